"""Reading the audit trail: whether its chains are whole, and what is in it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from feed_service.commands import audit
from feed_service.commands.audit_chains import Chains, Fault, Row
from feed_service.queries import audit as trail
from feed_service.transactions import Statements, compiled

BATCH = 1_000

ALONG_THE_CHAINS = compiled(trail.along_the_chains())
HEADS = compiled(trail.heads())
AT = compiled(trail.at())
ANCHOR = compiled(trail.anchor())
ABOUT = compiled(trail.about())
OF_STREAM = compiled(trail.of_stream())

UNREADABLE = "made unreadable"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a stream ended when this was noted; kept elsewhere, it proves that nothing before it was rewritten."""

    stream: str
    length: int
    last_hash: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """`forgotten` events went with partitions that were dropped; each chain is followed from there."""

    events: int
    faults: Sequence[Fault]
    forgotten: int = 0


async def verify(sql: Statements, noted: Iterable[Head] = (), progress: Callable[[int], None] | None = None) -> Verdict:
    """Follow every chain from its first event that is kept, and compare with heads that were noted earlier.

    Run it in one repeatable-read transaction: an event and its head are then seen together. It holds one batch of
    events at a time. A fault is reported once, where it is; what follows it is compared with what is there now.
    """
    chains, forgotten = Chains(), 0
    async for rows in batches(sql):
        for row in rows:
            chains.follow(row)
        if progress is not None:
            progress(chains.events)
    chains.end()
    async for head in _heads(sql):
        forgotten += head["forgotten"]
        if not head["has_events"]:
            chains.ends(head, head["name"], head["forgotten"], head["forgotten_hash"])
    return Verdict(chains.events, [*chains.faults, *[fault async for fault in rewritten(sql, noted)]], forgotten)


async def batches(sql: Statements) -> AsyncIterator[Sequence[Row]]:
    stream, number, at = "", 0, datetime(1, 1, 1, tzinfo=UTC)
    while rows := await sql.rows(ALONG_THE_CHAINS, stream=stream, number=number, at=at, limit=BATCH):
        yield rows
        stream, number, at = (rows[-1][name] for name in ("stream", "number", "at"))


async def rewritten(sql: Statements, noted: Iterable[Head]) -> AsyncIterator[Fault]:
    """What was forgotten since, up to and with the noted event, is judged by where its stream begins now."""
    for head in noted:
        anchor = await sql.row(ANCHOR, stream=head.stream)
        forgotten = anchor["forgotten"] if anchor is not None else 0
        if head.length < forgotten:
            continue
        is_anchor = anchor is not None and head.length == forgotten > 0
        found = anchor["forgotten_hash"] if is_anchor else await sql.value(AT, stream=head.stream, number=head.length)
        if found != head.last_hash:
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
