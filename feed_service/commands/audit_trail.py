"""Reading the audit trail: whether its chains are whole, and what is in it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from feed_service.commands import audit
from feed_service.queries import audit as trail
from feed_service.transactions import Statements, compiled

BATCH = 1_000

ALONG_THE_CHAINS = compiled(trail.along_the_chains())
HEADS = compiled(trail.heads())
AT = compiled(trail.at())
ABOUT = compiled(trail.about())
OF_STREAM = compiled(trail.of_stream())

UNREADABLE = "made unreadable"

Row = Any
"""A record of events or heads."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`number` is the event of the stream where it was found."""

    stream: str
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.stream}, event {self.number}: {self.what}"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a stream ended when this was noted; kept elsewhere, it proves that nothing before it was rewritten."""

    stream: str
    length: int
    last_hash: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    events: int
    faults: Sequence[Fault]


class Chains:
    """Follows the events of all streams, in order, and notes what does not fit."""

    def __init__(self) -> None:
        self.events = 0
        self.faults: list[Fault] = []
        self._last: Row | None = None

    def follow(self, row: Row) -> None:
        last = self._last if self._last is not None and self._last["stream"] == row["stream"] else None
        if last is None:
            self.end()
        expected = 1 if last is None else last["number"] + 1
        if row["number"] != expected:
            self._note(row["stream"], expected, f"missing, up to event {row['number'] - 1}")
        elif row["hash"] != audit.chained(row, b"" if last is None else last["hash"]):
            self._note(row["stream"], row["number"], "changed, or out of its place")
        self.events += 1
        self._last = row

    def end(self) -> None:
        """The last stream is over: does it end as its head says?"""
        last = self._last
        if last is None:
            return
        stream, number, length = last["stream"], last["number"], last["length"]
        if length is None:
            self._note(stream, number, "its stream has no head")
        elif length > number:
            self._note(stream, number + 1, f"missing, up to event {length}")
        elif length < number:
            self._note(stream, length + 1, "added without its head")
        elif last["last_hash"] != last["hash"]:
            self._note(stream, number, "hashed anew: its stream ended with another hash")

    def _note(self, stream: str, number: int, what: str) -> None:
        self.faults.append(Fault(stream, number, what))


async def verify(sql: Statements, noted: Iterable[Head] = (), progress: Callable[[int], None] | None = None) -> Verdict:
    """Follow every chain from its first event, and compare with heads that were noted earlier.

    Run it in one repeatable-read transaction: an event and its head are then seen together. It holds one batch of
    events at a time. A fault is reported once, where it is; what follows it is compared with what is there now.
    """
    chains = Chains()
    async for rows in batches(sql):
        for row in rows:
            chains.follow(row)
        if progress is not None:
            progress(chains.events)
    chains.end()
    empty = [head async for head in _heads(sql) if head["length"] and not head["has_events"]]
    missing = [Fault(head["name"], 1, f"missing, up to event {head['length']}") for head in empty]
    return Verdict(chains.events, [*chains.faults, *missing, *[fault async for fault in rewritten(sql, noted)]])


async def batches(sql: Statements) -> AsyncIterator[Sequence[Row]]:
    stream, number = "", 0
    while rows := await sql.rows(ALONG_THE_CHAINS, stream=stream, number=number, limit=BATCH):
        yield rows
        stream, number = rows[-1]["stream"], rows[-1]["number"]


async def rewritten(sql: Statements, noted: Iterable[Head]) -> AsyncIterator[Fault]:
    for head in noted:
        if await sql.value(AT, stream=head.stream, number=head.length) != head.last_hash:
            yield Fault(head.stream, head.length, "not what was noted earlier")


async def heads(sql: Statements) -> AsyncIterator[Head]:
    async for row in _heads(sql):
        yield Head(row["name"], row["length"], row["last_hash"])


async def _heads(sql: Statements) -> AsyncIterator[Row]:
    name = ""
    while rows := await sql.rows(HEADS, name=name, limit=BATCH):
        for row in rows:
            yield row
        name = rows[-1]["name"]


async def about(sql: Statements, subject_kind: str, subject_id: int, limit: int) -> list[dict[str, Any]]:
    """The newest events about a subject as JSON, personal data included as far as there is a key for them."""
    rows = await sql.rows(ABOUT, subject_kind=subject_kind, subject_id=subject_id, limit=limit)
    return [readable(row) for row in rows]


async def of_stream(sql: Statements, stream: str, limit: int) -> list[dict[str, Any]]:
    """As `about`, of what an actor did."""
    return [readable(row) for row in await sql.rows(OF_STREAM, stream=stream, limit=limit)]


def readable(row: Row) -> dict[str, Any]:
    shown = {name: row[name] for name in audit.CHAINED}
    if row["private"] is None:
        return shown
    return shown | {"private": audit.unsealed(row["private"], row["key"]) if row["key"] else UNREADABLE}
