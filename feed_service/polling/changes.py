"""Where a poller stands in the change log, and what it has not seen yet: nothing lost, repeated or waited for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Row, select

from feed_service.errors import BadUserInput
from feed_service.polling.snapshots import Snapshot
from feed_service.queries import changes
from feed_service.statements import Readable

START = select(changes.snapshot_text())


class Forgotten(Exception):
    """Events that the position has not seen are not in the log any more: the poller must begin anew."""


@dataclass(frozen=True, slots=True)
class Position:
    """All that the snapshot `since` could see has been seen.

    In the middle of more news than fit one answer: of what `since` could not see and `upto` could, all up to `last`,
    (xid, seq), has been seen as well.
    """

    since: str
    upto: str | None = None
    last: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class News:
    """Events in the order of their transactions, and where the poller then stands. With `has_more`: ask at once."""

    events: Sequence[Row[*tuple[Any, ...]]]
    position: Position
    has_more: bool


class Reads(Protocol):
    """A `ReadDatabase`, or the reader of a request."""

    async def rows(
        self, statement: Readable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]: ...


async def start(database: Reads) -> Position:
    """Where to begin: what is committed by now counts as seen."""
    ((snapshot,),) = await database.rows(START)
    return Position(snapshot)


async def unseen(database: Reads, position: Position, first: int) -> News:
    """The first events that `position` has not seen, in one statement.

    Raises:
        BadUserInput: the position is malformed, or of another database, whose transactions are further on.
        Forgotten: the poller was away for longer than the log is kept.
    """
    is_bounded = position.upto is not None
    rows = await database.rows(changes.unseen(first + 1, is_bounded=is_bounded), values_of(position))
    upto = position.upto or rows[0].snapshot
    since = Snapshot.parse(position.since)
    if since.xmax > Snapshot.parse(rows[0].snapshot).xmax:
        raise BadUserInput("This position is none of this database.")
    if rows[0].horizon is not None and rows[0].horizon >= since.xmin:
        raise Forgotten
    events = [row for row in rows[:first] if row.seq is not None]
    if len(rows) > first:
        return News(events, Position(position.since, upto, (events[-1].xid, events[-1].seq)), has_more=True)
    return News(events, Position(upto), has_more=False)


def values_of(position: Position) -> dict[str, Any]:
    since, last = Snapshot.parse(position.since), position.last or (0, 0)
    if position.upto is not None:
        Snapshot.parse(position.upto)
    after_xid, after_seq = max((since.xmax, 0), last)
    return {
        "after_xid": after_xid,
        "after_seq": after_seq,
        "open_xids": sorted(xid for xid in since.open_xids if xid >= last[0]),
        "open_after_xid": last[0],
        "open_after_seq": last[1],
    } | ({} if position.upto is None else {"upto": position.upto})
