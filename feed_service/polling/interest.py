"""Whose and which posts the feeds of one viewer hold, and whether an event may have changed them."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Self

from feed_service.polling.memory import Event
from feed_service.polling.snapshots import Snapshot
from feed_service.vocabulary import FeedKind

TIES = {
    FeedKind.HOME: frozenset({"user_follow", "tag_follow", "block", "mute"}),
    FeedKind.FOLLOWING_USERS: frozenset({"user_follow", "block", "mute"}),
    FeedKind.FOLLOWING_TAGS: frozenset({"tag_follow", "block", "mute"}),
}
"""Kinds of events by which a viewer changes what such a feed holds."""

TIES_OF_ALL = frozenset({"block", "mute"})
"""The same of feeds of everybody's posts."""

STANDING = frozenset({"suspend", "restore", "delete"})
"""Actions that hide or show all posts of a user."""


class Ids:
    """A sorted set of ids in 8 bytes each, a tenth of a frozenset."""

    __slots__ = ("_sorted",)

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self._sorted = array("q", ids)

    def __contains__(self, wanted: object) -> bool:
        if not isinstance(wanted, int):
            return False
        place = bisect_left(self._sorted, wanted)
        return place < len(self._sorted) and self._sorted[place] == wanted

    def __len__(self) -> int:
        return len(self._sorted)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sorted)


class Interest:
    """What a viewer follows, blocks (in both directions) and mutes, as `snapshot` could see it."""

    __slots__ = ("author_ids", "blocked_ids", "last_touched", "muted_ids", "snapshot", "tag_ids", "viewer_id")

    def __init__(self, viewer_id: int | None, snapshot: Snapshot, *ids: Iterable[int]) -> None:
        """`ids`: of followed authors, followed tags, blocked and muted users, each in order."""
        self.viewer_id, self.snapshot = viewer_id, snapshot
        self.author_ids, self.tag_ids, self.blocked_ids, self.muted_ids = map(Ids, ids or ((), (), (), ()))
        self.last_touched: dict[FeedKind, tuple[int, int | None]] = {}

    @classmethod
    def of(cls, viewer_id: int, row: Any) -> Self:  # noqa: ANN401 - a record.
        snapshot = Snapshot.parse(row["snapshot"])
        return cls(viewer_id, snapshot, row["author_ids"], row["tag_ids"], row["blocked_ids"], row["muted_ids"])

    def __len__(self) -> int:
        return len(self.author_ids) + len(self.tag_ids) + len(self.blocked_ids) + len(self.muted_ids)

    def touches(self, kind: FeedKind, event: Event) -> bool:
        """Whether the event may have changed what such a feed of this viewer holds, or how one of its posts reads."""
        if event.kind == "post":
            may_be_seen = event.was_published_at is not None or event.is_published_at is not None
            return may_be_seen and self.may_hold(kind, event)
        if event.kind == "user":
            return event.action in STANDING and self._matters(kind, event.subject_id)
        return event.author_id == self.viewer_id is not None and event.kind in TIES.get(kind, TIES_OF_ALL)

    def may_hold(self, kind: FeedKind, event: Event) -> bool:
        """Whether such a feed may hold the post of this event, before it or after."""
        author_id = event.author_id
        if author_id in self.blocked_ids or author_id in self.muted_ids:
            return False
        match kind:
            case FeedKind.HOME:
                return author_id == self.viewer_id or author_id in self.author_ids or self._follows_tag_of(event)
            case FeedKind.FOLLOWING_USERS:
                return author_id in self.author_ids
            case FeedKind.FOLLOWING_TAGS:
                return self._follows_tag_of(event)
            case _:
                return True

    def _follows_tag_of(self, event: Event) -> bool:
        if not self.tag_ids:
            return False
        return any(tag_id in self.tag_ids for tags in (event.is_tagged, event.was_tagged) for tag_id in tags)

    def _matters(self, kind: FeedKind, user_id: int) -> bool:
        """Whether such a feed may hold posts of this user; by a tag it may hold anybody's."""
        if user_id in self.blocked_ids or user_id in self.muted_ids:
            return False
        match kind:
            case FeedKind.HOME:
                return bool(self.tag_ids) or user_id in self.author_ids or user_id == self.viewer_id
            case FeedKind.FOLLOWING_USERS:
                return user_id in self.author_ids
            case FeedKind.FOLLOWING_TAGS:
                return bool(self.tag_ids)
            case _:
                return True


def ties(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.kind in TIES[FeedKind.HOME]]
