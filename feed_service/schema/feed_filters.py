"""Which feed a client means: its kind, its order, and what its posts must be."""

from collections.abc import Sequence

import strawberry

from feed_service import loaders
from feed_service.errors import BadUserInput
from feed_service.loaders.feeds import Feed
from feed_service.queries.feed_filters import FeedFilter as Filter
from feed_service.schema.enums import FeedKind, PostOrder, TimeWindow
from feed_service.schema.ids import decode_as

MAX_FILTER_VALUES = 50


@strawberry.input(description="What a post must be to pass. Everything given must hold; of a list, one value.")
class FeedFilter:
    category: str | None = strawberry.field(default=strawberry.UNSET, description="The slug of its category.")
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Slugs of tags, one of which it has."
    )
    exclude_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Slugs of tags, none of which it has."
    )
    authors: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Ids of users, one of whom wrote it."
    )
    languages: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Languages, one of which it is in."
    )
    window: TimeWindow | None = strawberry.field(
        default=strawberry.UNSET, description="How long ago it was published at most."
    )


def feed_of(kind: FeedKind, order: PostOrder | None, wanted: FeedFilter | None) -> Feed:
    """Raises BadUserInput for a filter that is too long or names a foreign id, and for an order the kind lacks."""
    order = order or None
    if not wanted:
        return loaders.feeds.feed(kind, order, Filter(), None)
    authors = values(wanted.authors)
    found = Filter(
        category=wanted.category if isinstance(wanted.category, str) else None,
        tags=values(wanted.tags),
        exclude_tags=values(wanted.exclude_tags),
        authors=None if authors is None else tuple(decode_as("User", author) for author in authors),
        languages=values(wanted.languages),
    )
    return loaders.feeds.feed(kind, order, found, wanted.window or None)


def values(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """A list of a filter; leaving it out, or null, lets everything pass."""
    if given is None or given is strawberry.UNSET:
        return None
    if not 1 <= len(given) <= MAX_FILTER_VALUES:
        raise BadUserInput(f"Each list of a filter takes 1 to {MAX_FILTER_VALUES} values.")
    return tuple(given)
