"""What has changed in a feed since a client asked last."""

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry

from feed_service import loaders, models
from feed_service.loaders.feeds import Feed
from feed_service.paging import Key
from feed_service.polling import feed as polled
from feed_service.polling import news
from feed_service.polling.news import News
from feed_service.polling.touched import Poll
from feed_service.polling.unread import at_tip
from feed_service.schema.context import Info
from feed_service.schema.enums import FeedKind
from feed_service.schema.feed_filters import FeedFilter, feed_of
from feed_service.schema.feeds import FeedEdge, FeedEdgeRow
from feed_service.schema.ids import encode
from feed_service.schema.lazy import LazyPost
from feed_service.schema.polling import (
    POLL_AFTER,
    RESET_REQUIRED,
    ChangesRow,
    HeadRow,
    changes_asked_for,
    counted,
    generation_of,
    newest,
    watched,
    written,
)
from feed_service.schema.scalars import SyncToken


@dataclass(frozen=True, slots=True)
class FeedChangesRow(ChangesRow):
    feed: Feed
    added: Sequence[FeedEdgeRow]
    updated: Sequence[models.Post]


@strawberry.type(
    description="What has changed in a feed. Posts are put in their place by `position` and known by their ids: one "
    "may come again, and an edited one among `added`. Ask again at once while `hasMore`."
)
class FeedChanges:
    added: list[FeedEdge] = strawberry.field(description="Posts to put into the list, newest first.")
    updated: list[LazyPost] = strawberry.field(description="Posts to replace where the list holds them.")
    has_more: bool = strawberry.field(description="Whether there is more: ask again at once with `nextToken`.")
    reset_required: bool = strawberry.field(description=RESET_REQUIRED)

    @strawberry.field(description="Ids of posts to take out of the list, also of some that it may not hold.")
    def removed_ids(row: strawberry.Parent[FeedChangesRow]) -> list[strawberry.ID]:
        return [encode("Post", post_id) for post_id in row.changes.removed]

    @strawberry.field(description="For `since` of the next question.")
    def next_token(row: strawberry.Parent[FeedChangesRow], info: Info) -> SyncToken:
        return written(info, watched(row.feed), row.changes.token)

    @strawberry.field(description=POLL_AFTER)
    async def poll_after_seconds(row: strawberry.Parent[FeedChangesRow], info: Info) -> int:
        return await info.context.polling.feed_after_s(info.context.viewer, row.feed.kind)


async def feed_changes(
    info: Info, kind: FeedKind, since: SyncToken, first: int, wanted: FeedFilter | None
) -> FeedChangesRow:
    """Raises BadUserInput or InvalidCursor."""
    first, feed = changes_asked_for(first), feed_of(kind, None, wanted)
    found = await polled.changes(await _poll(info, feed, since), first)
    counted(info, found.outcome)
    batch, many, order = loaders.posts.by_id, info.context.loaders.many, feed.cursor_order
    added = await many(batch, [item.id for item in found.added])
    updated = await many(batch, found.updated)
    edges = [
        FeedEdgeRow(post, item, order, feed) for post, item in zip(added, found.added, strict=True) if post is not None
    ]
    return FeedChangesRow(found, feed, edges, [post for post in updated if post is not None])


async def feed_head(info: Info, kind: FeedKind, since: SyncToken | None, wanted: FeedFilter | None) -> HeadRow:
    """Raises BadUserInput or InvalidCursor."""
    feed = feed_of(kind, None, wanted)

    async def tip(info: Info) -> Key | None:
        return await newest(info, feed)

    if not since:
        generation = await generation_of(info, feed)
        return HeadRow(feed, News(at_tip(await info.context.polling.tail.caught_up(), generation)), tip)
    found = await news.news(await _poll(info, feed, since))
    counted(info, found.outcome)
    return HeadRow(feed, found, tip)


async def _poll(info: Info, feed: Feed, since: SyncToken) -> Poll:
    context, seen = info.context, watched(feed)
    token = context.polling.tokens.decode(seen.purpose, context.viewer, since)
    generation = await generation_of(info, feed, token.generation)
    reader = context.loaders.reader
    return Poll(context.polling, reader, context.viewer, seen, token, generation, reader.is_fresh)
