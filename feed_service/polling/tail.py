"""What this process knows of the change log. It reads on demand, one read for all who wait, and remembers the newest.

Everything is judged by snapshots (docs/decisions/0016-polling-by-snapshots-in-memory.md).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from feed_service.database import ReadDatabase
from feed_service.errors import Unavailable
from feed_service.polling import epochs
from feed_service.polling.epochs import Identity, Outdated
from feed_service.polling.memory import LANES, Event, Lane, Memory, late, microseconds
from feed_service.polling.snapshots import Snapshot
from feed_service.queries import tail
from feed_service.transactions import Statements, compiled

__all__ = ["Event", "Lane", "Standing", "Tail"]

READ = compiled(tail.tail())

NEVER = datetime.max.replace(tzinfo=UTC)
"""How the driver writes PostgreSQL's infinity."""

NOTHING = {"open_after_xid": 0, "open_after_seq": 0, "open_xids": [], "after_xid": 2**63 - 1, "after_seq": 0}
"""Of the first read: it asks only where the log stands."""

ATTEMPTS = 3
"""Reads of which each finds another epoch than the last: at start, and after an import."""

GONE_S = 60.0
"""Whoever polls has asked again by then. A read that failed when nobody did afterwards says nothing of now."""

Renew = Callable[[Outdated], Awaitable[None]]
Listener = Callable[[Sequence[Event] | None], None]


class Standing(NamedTuple):
    """Up to where a read of the log, the `number`th of this process, has come.

    `clock_us` is the time of the database in microseconds: posts published by then are live. `horizon` is the last
    transaction of which the log has forgotten events.
    """

    number: int
    snapshot: Snapshot
    clock_us: int
    epoch: int
    horizon: int | None


class Tail:
    """One for each process, and one loop. Reading stops where the standing is; nothing runs when nobody asks."""

    def __init__(self, database: ReadDatabase, renew: Renew) -> None:
        """`renew` stores a new epoch: `functools.partial(epochs.renew, writing)`."""
        self.database, self.renew = database, renew
        self._standing: Standing | None = None
        self._clock = NEVER
        self._lanes: tuple[Memory, ...] = ()
        self._listeners: list[Listener] = []
        self._identities: WeakKeyDictionary[Any, Identity] = WeakKeyDictionary()
        self._number = 0
        self._read_s = self._began_s = -inf
        self._behind_since_s: float | None = None
        self._ended_s = -inf
        self._running: asyncio.Task[Standing] | None = None
        self._next: asyncio.Task[Standing] | None = None

    @property
    def known(self) -> Standing | None:
        """The standing, or None before the first read."""
        return self._standing

    @property
    def standing(self) -> Standing:
        """Of the last read. Raises LookupError before the first."""
        if self._standing is None:
            raise LookupError("The log has not been read yet.")
        return self._standing

    async def caught_up(self, within_s: float = 1.0) -> Standing:
        """The standing of a read that began at most `within_s` ago, and with 0, of one that begins after this call.

        Raises what the read raised, to those who waited for it: Unavailable, Overloaded, …
        """
        if within_s > 0:
            oldest_s = time.monotonic() - within_s
            if self._standing is not None and self._read_s >= oldest_s:
                return self._standing
            if self._running is not None and self._began_s >= oldest_s:
                return await asyncio.shield(self._running)
        return await asyncio.shield(self._begin_next())

    def keeps_up(self, within_s: float, moment_s: float) -> bool:
        """Whether the standing is of a read that began at most `within_s` before the moment, by `time.monotonic`.

        Nobody waits for that: past half of that time the next read begins beside. If it fails, this becomes False, and
        `caught_up` tells why.
        """
        if self._began_s < time.monotonic() - within_s / 2:
            self._begin_next()
        return self._standing is not None and self._read_s >= moment_s - within_s

    @property
    def lag_s(self) -> float:
        """For how long the log could not be read though somebody asks; 0 if all who did were answered, or are gone."""
        now_s, is_asked = time.monotonic(), self._running is not None or self._next is not None
        if self._behind_since_s is None or (not is_asked and now_s - self._ended_s > GONE_S):
            return 0.0
        return now_s - self._behind_since_s

    def outdate(self) -> None:
        """Something was committed here: whoever asks from now on is told of it, however new the last read is."""
        self._read_s = self._began_s = -inf

    def since(self, snapshot: Snapshot, clock_us: int, lane: Lane = Lane.FEEDS) -> list[Event] | None:
        """What a position has not seen, up to the standing; None when it is older than the memory of this lane.

        Events that `snapshot` could not see in the order of arrival, then posts that fell due after `clock_us`.
        """
        return self._lanes[lane].since(snapshot, clock_us) if self._lanes else None

    def after(self, number: int, lane: Lane = Lane.FEEDS) -> Sequence[Event] | None:
        """What the reads after `number` brought, with what fell due; None when it is older than the memory."""
        return self._lanes[lane].after(number) if self._lanes else None

    def remembered(self, lane: Lane = Lane.FEEDS) -> Sequence[Event]:
        """All of a lane, in the order of arrival."""
        return self._lanes[lane].events

    def remembered_since_us(self, lane: Lane = Lane.FEEDS) -> int:
        """The clock of the first position for which `since` has an answer."""
        return self._lanes[lane].since_us

    def is_behind(self, snapshot: Snapshot, clock_us: int = 0) -> bool:
        """Whether the position, which another process wrote, is ahead of the standing: catch up within 0 s."""
        standing = self._standing
        return standing is None or clock_us > standing.clock_us or not standing.snapshot.includes(snapshot)

    def listen(self, listener: Listener) -> None:
        """Have `listener` told, before anybody who waits, what each read brought; None when all was forgotten."""
        self._listeners.append(listener)

    async def close(self) -> None:
        """Give up what is being read."""
        tasks = [task for task in (self._running, self._next) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin_next(self) -> "asyncio.Task[Standing]":
        if self._next is None:
            if not self.lag_s:
                self._behind_since_s = time.monotonic()
            self._next = asyncio.create_task(self._read_after(self._running))
            self._next.add_done_callback(_seen)
        return self._next

    async def _read_after(self, before: "asyncio.Task[Standing] | None") -> Standing:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        self._began_s = time.monotonic()
        try:
            standing = await self._read()
            self._read_s = self._began_s
            self._behind_since_s = None if self._next is None else time.monotonic()
            return standing
        finally:
            self._running, self._ended_s = None, time.monotonic()

    async def _read(self) -> Standing:
        for _ in range(ATTEMPTS):
            try:
                return self._taken(await self.database.by_driver(self._rows))
            except Outdated as outdated:
                await self.renew(outdated)
        raise Unavailable("The history of the database is being changed. Please try again.")

    async def _rows(self, driver: Any) -> tuple[list[Any], Identity]:  # noqa: ANN401 - asyncpg has no types.
        """The rows of a read, and the server they come from. Raises Outdated."""
        identity = self._identities.get(driver)
        if identity is None:
            identity = self._identities[driver] = await epochs.check(driver)
        rows = await Statements(driver, meters=self.database.meters).rows(
            READ, **self._position(), due_after=self._clock
        )
        if rows[0]["epoch"] is None:
            raise Outdated(None, identity)
        return rows, identity

    def _position(self) -> dict[str, Any]:
        if self._standing is None:
            return NOTHING
        seen = self._standing.snapshot
        return NOTHING | {"open_xids": sorted(seen.open_xids), "after_xid": seen.xmax}

    def _taken(self, read: tuple[list[Any], Identity]) -> Standing:
        rows, identity = read
        row, last = rows[0], self._standing
        snapshot, clock_us = Snapshot.parse(row["snapshot"]), microseconds(row["clock"])
        if last is not None and last.epoch == row["epoch"] and snapshot.order < last.snapshot.order:
            self._standing, self._clock = None, NEVER
            raise Outdated(last.epoch, identity)  # A server that went back tells so even to a role without rights.
        self._number += 1
        self._standing = Standing(self._number, snapshot, clock_us, row["epoch"], row["horizon"])
        self._clock = row["clock"]
        if last is None or last.epoch != row["epoch"] or is_flood(rows) or has_forgotten(last, row["horizon"]):
            self._begin(self._standing)
        elif row["seq"] is not None:
            self._remember([Event.of(found) for found in rows], self._standing)
        return self._standing

    def _begin(self, standing: Standing) -> None:
        self._lanes = tuple(Memory(standing.number, standing.snapshot, standing.clock_us) for _ in Lane)
        for listener in self._listeners:
            listener(None)

    def _remember(self, events: list[Event], standing: Standing) -> None:
        due = {(event.post_id, event.at) for event in events if not event.xid}
        events += [event for event in late(events, standing.clock_us) if (event.post_id, event.at) not in due]
        events.sort(key=_order)
        for lane, memory in enumerate(self._lanes):
            of_lane = [event for event in events if LANES.get(event.kind, Lane.REACTIONS) == lane]
            if of_lane:
                memory.take(of_lane, standing.number, standing.snapshot, standing.clock_us)
        for listener in self._listeners:
            listener(events)


def is_flood(rows: Sequence[Any]) -> bool:
    """Whether there was more than one read takes in, as after a bulk: then it is not known what."""
    most = min(tail.MOST_EVENTS, tail.MOST_DUE)
    if len(rows) <= most:
        return False
    due = sum(1 for row in rows if row["seq"] == 0)
    return due > tail.MOST_DUE or len(rows) - due > tail.MOST_EVENTS


def has_forgotten(last: Standing, horizon: int | None) -> bool:
    """Whether the log may have lost, since the last read, what that one could not see: nobody asked for a week."""
    return horizon is not None and horizon != last.horizon and horizon >= last.snapshot.xmin


def _order(event: Event) -> tuple[int, int]:
    return event.xid, event.seq


def _seen(task: "asyncio.Task[Standing]") -> None:
    """Those who waited were told the error; if all of them have gone, nobody is left to tell."""
    if not task.cancelled():
        task.exception()
