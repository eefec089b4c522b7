"""The newest events of the change log, in memory: what a position has not seen is found without asking PostgreSQL."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from operator import attrgetter
from sys import intern
from typing import Any, NamedTuple, Self

from feed_service.polling.snapshots import Snapshot

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

MOST_EVENTS = 20_000
"""Events of one lane, about 14 MB."""

MEMORY_US = 600_000_000


class Lane(IntEnum):
    """Events are remembered apart by who needs them, so that a flood of likes does not drive posts out."""

    FEEDS = 0
    """Posts, posts falling due, the standing of users, and ties: what decides what a feed holds."""
    THREADS = 1
    """Comments."""
    REACTIONS = 2
    """Likes, bookmarks and their collections."""


LANES = {
    "post": Lane.FEEDS,
    "user": Lane.FEEDS,
    "user_follow": Lane.FEEDS,
    "tag_follow": Lane.FEEDS,
    "block": Lane.FEEDS,
    "mute": Lane.FEEDS,
    "comment": Lane.THREADS,
    "post_like": Lane.REACTIONS,
    "comment_like": Lane.REACTIONS,
    "bookmark": Lane.REACTIONS,
    "bookmark_collection": Lane.REACTIONS,
}
"""The lane of each kind of event."""


class Event(NamedTuple):
    """A row of `models.ChangeLog`; times are microseconds since 1970.

    A post that falls due is an event of kind `post`, action `due`, with `xid` 0: no snapshot can tell whether a
    position has seen it, its clock does.
    """

    xid: int
    seq: int
    at: int
    kind: str
    action: str
    subject_id: int
    actor_id: int | None
    author_id: int | None
    post_id: int | None
    was_listed: bool | None
    is_listed: bool | None
    was_published_at: int | None
    is_published_at: int | None
    was_tagged: tuple[int, ...]
    is_tagged: tuple[int, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """`row` has the columns of the change log, as the driver reads them."""
        return cls(
            row["xid"], row["seq"], microseconds(row["at"]), intern(row["kind"]), intern(row["action"]),
            row["subject_id"], row["actor_id"], row["author_id"], row["post_id"], row["was_listed"], row["is_listed"],
            row["was_published_at"] and microseconds(row["was_published_at"]),
            row["is_published_at"] and microseconds(row["is_published_at"]),
            tuple(row["was_tagged"] or ()), tuple(row["is_tagged"] or ()),
        )  # fmt: skip

    def fallen_due(self) -> Self:
        """The event that the post, which this one tells of, has been published by the clock."""
        at = self.is_published_at or 0
        return self._replace(
            xid=0, seq=0, at=at, action="due", actor_id=None, was_listed=False, is_listed=True, was_published_at=at
        )


class Mark(NamedTuple):
    """From `number`, a read of the log, on: the first `offset` events of a lane had arrived, at `clock_us`."""

    number: int
    offset: int
    clock_us: int


class Memory:
    """The events of one lane in the order of their arrival.

    A mark is made only by reads that brought something. A position at or after the snapshot of a mark has seen all
    that had arrived by then, so that only what came later is looked at.
    """

    def __init__(self, number: int, snapshot: Snapshot, clock_us: int, *, most_events: int = MOST_EVENTS) -> None:
        """What came before `snapshot` is not remembered."""
        self.most_events = most_events
        self.events: list[Event] = []
        self._forgotten = 0
        self._marks = [Mark(number, 0, clock_us)]
        self._orders = [snapshot.order]
        self._due: list[Event] = []

    @property
    def since_us(self) -> int:
        """The clock of the oldest position that can be served."""
        return self._marks[0].clock_us

    def take(self, events: Sequence[Event], number: int, snapshot: Snapshot, clock_us: int) -> None:
        """What the read `number` found, in which everything that `snapshot` could see had arrived."""
        self.events += events
        for event in events:
            if not event.xid:
                insort(self._due, event, key=_at)
        self._marks.append(Mark(number, self._forgotten + len(self.events), clock_us))
        self._orders.append(snapshot.order)
        self._forget(clock_us - MEMORY_US)

    def _forget(self, before_us: int) -> None:
        arrived = self._forgotten + len(self.events)
        gone = 0
        while gone + 1 < len(self._marks) and (
            self._marks[gone + 1].clock_us < before_us or arrived - self._marks[gone].offset > self.most_events
        ):
            gone += 1
        if gone:
            del self._marks[:gone], self._orders[:gone]
            del self.events[: self._marks[0].offset - self._forgotten]
            self._forgotten = self._marks[0].offset
            del self._due[: self._due_after(self._marks[0].clock_us)]

    def since(self, snapshot: Snapshot, clock_us: int) -> list[Event] | None:
        """What `snapshot` could not see, in the order of arrival, then what fell due after `clock_us`."""
        mark = bisect_right(self._orders, snapshot.order) - 1
        if mark < 0 or clock_us < self._marks[0].clock_us:
            return None
        start, xmax, open_xids = self._marks[mark].offset - self._forgotten, snapshot.xmax, snapshot.open_xids
        found = [event for event in self.events[start:] if event.xid >= xmax or event.xid in open_xids]
        if self._due and self._due[-1].at > clock_us:
            found += self._due[self._due_after(clock_us) :]
        return found

    def after(self, number: int) -> Sequence[Event] | None:
        """What arrived by reads after `number`."""
        mark = bisect_right(self._marks, number, key=_number) - 1
        return None if mark < 0 else self.events[self._marks[mark].offset - self._forgotten :]

    def _due_after(self, clock_us: int) -> int:
        return bisect_right(self._due, clock_us, key=_at)


_at, _number = attrgetter("at"), attrgetter("number")


def late(events: Iterable[Event], clock_us: int) -> list[Event]:
    """Posts that had fallen due before the transactions that tell of them could be seen, at `clock_us`.

    A statement that began before that time and took its snapshot after the commit has seen the event, not the post.
    """
    return [
        event.fallen_due()
        for event in events
        if event.kind == "post" and event.is_published_at is not None and event.at <= event.is_published_at <= clock_us
    ]


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
