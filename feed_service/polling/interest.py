"""Whose and which posts the feeds of one viewer hold, and whether an event may have changed them."""

from collections.abc import Iterable
from typing import Any, Self

from feed_service.polling.memory import Event
from feed_service.polling.snapshots import Snapshot
from feed_service.vocabulary import FeedKind

HOME, FOLLOWING_USERS, FOLLOWING_TAGS = FeedKind.HOME, FeedKind.FOLLOWING_USERS, FeedKind.FOLLOWING_TAGS

TIES = {
    HOME: frozenset({"user_follow", "tag_follow", "block", "mute"}),
    FOLLOWING_USERS: frozenset({"user_follow", "block", "mute"}),
    FOLLOWING_TAGS: frozenset({"tag_follow", "block", "mute"}),
}
"""Kinds of events by which a viewer changes what such a feed holds."""

TIES_OF_ALL = frozenset({"block", "mute"})
"""The same of feeds of everybody's posts."""

STANDING = frozenset({"suspend", "restore", "delete"})
"""Actions that hide or show all posts of a user."""


class Interest:
    """What a viewer follows, blocks (in both directions) and mutes, as `snapshot` could see it."""

    __slots__ = ("author_ids", "blocked_ids", "last_touched", "muted_ids", "snapshot", "tag_ids", "viewer_id")

    def __init__(self, viewer_id: int | None, snapshot: Snapshot, *ids: Iterable[int]) -> None:
        """`ids`: of followed authors, followed tags, blocked and muted users."""
        self.viewer_id, self.snapshot = viewer_id, snapshot
        self.author_ids, self.tag_ids, self.blocked_ids, self.muted_ids = map(frozenset, ids or ((), (), (), ()))
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
        # Asked of each post published since the last poll, by each poll: what most of them fail comes first.
        author_id = event.author_id
        if kind is HOME:
            holds = author_id in self.author_ids or author_id == self.viewer_id or self._follows_tag_of(event)
        elif kind is FOLLOWING_USERS:
            holds = author_id in self.author_ids
        elif kind is FOLLOWING_TAGS:
            holds = self._follows_tag_of(event)
        else:
            holds = True
        return holds and author_id not in self.blocked_ids and author_id not in self.muted_ids

    def _follows_tag_of(self, event: Event) -> bool:
        tag_ids = self.tag_ids
        return not (tag_ids.isdisjoint(event.is_tagged) and tag_ids.isdisjoint(event.was_tagged))

    def _matters(self, kind: FeedKind, user_id: int) -> bool:
        """Whether such a feed may hold posts of this user; by a tag it may hold anybody's."""
        if user_id in self.blocked_ids or user_id in self.muted_ids:
            return False
        if kind is HOME:
            return bool(self.tag_ids) or user_id in self.author_ids or user_id == self.viewer_id
        if kind is FOLLOWING_USERS:
            return user_id in self.author_ids
        return bool(self.tag_ids) or kind is not FOLLOWING_TAGS


def ties(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.kind in TIES[HOME]]
