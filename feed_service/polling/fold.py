"""How events look from one feed: which of them concern it, and what is known of a post by its events alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from feed_service.polling.interest import Interest
from feed_service.polling.tail import Event
from feed_service.polling.tokens import of_feed
from feed_service.queries.feed_filters import FeedFilter
from feed_service.vocabulary import FeedKind

EVERYTHING = FeedFilter()


@dataclass(frozen=True)
class Watched:
    """A feed as pollers watch it, whatever the order in which they read it."""

    kind: FeedKind
    filter: FeedFilter = EVERYTHING
    window: timedelta | None = None

    @property
    def purpose(self) -> str:
        """What its tokens are for."""
        return of_feed(self.kind, "" if self == Watched(self.kind) else repr((self.filter, self.window)))


@dataclass(frozen=True)
class Fold:
    """`seen_us`: posts published by then were seen if they were to be seen; `now_us`: it is that time now."""

    watched: Watched
    interest: Interest
    seen_us: int
    now_us: int

    def concerns(self, event: Event) -> bool:
        """Whether the feed may have held the post of this event, before it or after."""
        if event.kind != "post" or self._is_told_already(event):
            return False
        return self.may_be_seen(event) and self.interest.may_hold(self.watched.kind, event)

    def may_be_seen(self, event: Event) -> bool:
        """Whether the post was public before this event or after it, as far as its author's standing allows."""
        return (
            event.was_listed is True
            or event.is_listed is True
            or self._fell_due(event, event.was_published_at)
            or self._fell_due(event, event.is_published_at)
        )

    def is_of_known(self, events: Sequence[Event]) -> bool:
        """Whether the poller has the post for certain, and it has passed all the time: it was only edited."""
        return all(self._leaves_in_place(event) for event in events)

    def ties_changed(self, events: Iterable[Event]) -> bool:
        """Whether the viewer has changed what the feed is made of."""
        touches, kind = self.interest.touches, self.watched.kind
        return any(event.kind not in {"post", "user"} and touches(kind, event) for event in events)

    def users_changed(self, events: Iterable[Event]) -> set[int]:
        """Who was hidden with all their posts, or shown again, and may matter here."""
        touches, kind = self.interest.touches, self.watched.kind
        return {event.subject_id for event in events if event.kind == "user" and touches(kind, event)}

    def holds_posts_of(self, user_id: int) -> bool:
        """Whether the feed is made of this user's posts, whatever their tags."""
        match self.watched.kind:
            case FeedKind.HOME:
                return user_id == self.interest.viewer_id or user_id in self.interest.author_ids
            case FeedKind.FOLLOWING_TAGS:
                return False
            case _:
                return True

    def _fell_due(self, event: Event, published_us: int | None) -> bool:
        """Whether its time came after the transaction began that told of it."""
        return published_us is not None and event.at < published_us <= self.now_us

    def _is_told_already(self, event: Event) -> bool:
        """The post became live by the clock, which the poller has seen; now a duty has counted it."""
        was, now = event.was_published_at, event.is_published_at
        return event.action == "publish" and was == now and was is not None and was <= self.seen_us

    def _leaves_in_place(self, event: Event) -> bool:
        times = event.was_published_at, event.is_published_at
        is_seen = event.was_listed and event.is_listed and all(at is not None and at <= self.seen_us for at in times)
        return bool(is_seen) and self._leaves_passing(event)

    def _leaves_passing(self, event: Event) -> bool:
        """Events tell neither the category nor the language of a post, which a filter may ask for."""
        wanted = self.watched.filter
        if wanted.category is not None or wanted.languages is not None:
            return False
        if sorted(event.was_tagged) == sorted(event.is_tagged):
            return True
        asks_for_tags = wanted.tags is not None or wanted.exclude_tags is not None
        return not asks_for_tags and self.holds_posts_of(event.author_id or 0)
