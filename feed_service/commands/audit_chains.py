"""Whether the chains of the audit trail are whole: event by event, each held against the one before it."""

from dataclasses import dataclass
from typing import Any

from feed_service.commands import audit

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


class Chains:
    """Follows the events of all streams, in order, and notes what does not fit."""

    def __init__(self) -> None:
        self.events = 0
        self.faults: list[Fault] = []
        self._head: Row | None = None
        self._number, self._hash = 0, b""

    def follow(self, row: Row) -> None:
        if self._head is None or self._head["stream"] != row["stream"]:
            self.end()
            self._head = row
            self._number, self._hash = row["forgotten"] or 0, row["forgotten_hash"] or b""
        if row["number"] <= (row["forgotten"] or 0):
            return  # It is still there while others of its time are not, and cannot be held against the one before.
        if row["number"] <= self._number:
            self._note(row["stream"], row["number"], "there more than once")
        elif row["number"] > self._number + 1:
            self._note(row["stream"], self._number + 1, f"missing, up to event {row['number'] - 1}")
        elif row["hash"] != audit.chained(row, self._hash):
            self._note(row["stream"], row["number"], "changed, or out of its place")
        self.events += 1
        self._number, self._hash = row["number"], row["hash"]

    def end(self) -> None:
        """The last stream is over: does it end as its head says?"""
        if self._head is not None:
            self.ends(self._head, self._head["stream"], self._number, self._hash)

    def ends(self, head: Row, stream: str, number: int, last_hash: bytes) -> None:
        length = head["length"]
        if length is None:
            self._note(stream, number, "its stream has no head")
        elif length > number:
            self._note(stream, number + 1, f"missing, up to event {length}")
        elif length < number:
            self._note(stream, length + 1, "added without its head")
        elif head["last_hash"] != last_hash:
            self._note(stream, number, "hashed anew: its stream ended with another hash")

    def _note(self, stream: str, number: int, what: str) -> None:
        self.faults.append(Fault(stream, number, what))
