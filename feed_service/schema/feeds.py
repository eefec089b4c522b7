"""Feeds: pages of posts that say why each post is there, and why there are none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.errors import BadUserInput
from feed_service.loaders.feeds import Feed, FeedPage, FeedPart
from feed_service.loaders.rankings import Snapshot
from feed_service.paging import Key, Slice
from feed_service.queries.feed_filters import FeedFilter as Filter
from feed_service.schema.connections import (
    CURSOR,
    CappedCount,
    ConnectionRow,
    EdgeRow,
    PageInfo,
    connect,
    cursor_of,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.enums import FeedEmptyReason, FeedKind, PostOrder, TimeWindow
from feed_service.schema.ids import decode_as
from feed_service.schema.lazy import LazyPost, LazyTag, LazyUser
from feed_service.schema.rankings import RankingSnapshot, described

MAX_COUNT = 1_000
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


@dataclass(frozen=True, slots=True)
class Reason:
    """What every reason reads: the post, and the ids of the followed tags on it."""

    post: models.Post
    tag_ids: tuple[int, ...] = ()

    async def followed_tags(self, info: Info) -> list[models.Tag]:
        found = await info.context.loaders.load_many(loaders.tags.by_id, list(self.tag_ids))
        return [tag for tag in found if tag is not None]


FOLLOWED_TAGS = "Tags on it that the viewer follows."


@strawberry.type(description="The viewer wrote it.")
class OwnPost:
    why: strawberry.Private[Reason]

    @strawberry.field(graphql_type=list[LazyTag], description=FOLLOWED_TAGS)
    async def tags(self, info: Info) -> list[models.Tag]:
        return await self.why.followed_tags(info)


@strawberry.type(description="The viewer follows its author.")
class FollowedAuthor:
    why: strawberry.Private[Reason]

    @strawberry.field(graphql_type=LazyUser, description="The author.")
    async def author(self, info: Info) -> models.User | None:
        return await info.context.loaders.load(loaders.users.by_id, self.why.post.author_id)

    @strawberry.field(graphql_type=list[LazyTag], description=FOLLOWED_TAGS)
    async def tags(self, info: Info) -> list[models.Tag]:
        return await self.why.followed_tags(info)


@strawberry.type(description="The viewer follows tags on it.")
class FollowedTags:
    why: strawberry.Private[Reason]

    @strawberry.field(graphql_type=list[LazyTag], description=FOLLOWED_TAGS)
    async def tags(self, info: Info) -> list[models.Tag]:
        return await self.why.followed_tags(info)


@strawberry.type(description="Many people like it, comment on it or keep it.")
class TrendingNow:
    why: strawberry.Private[Reason]

    @strawberry.field(description="How many people like it.")
    async def like_count(self, info: Info) -> int:
        return int((await info.context.loaders.load(loaders.stats.by_post_id, self.why.post.id)).like_count)


@strawberry.type(description="It is being talked about.")
class ActiveDiscussion:
    why: strawberry.Private[Reason]

    @strawberry.field(description="When it was last commented on, or published.")
    async def last_activity_at(self, info: Info) -> datetime:
        stats = await info.context.loaders.load(loaders.stats.by_post_id, self.why.post.id)
        return stats.last_activity_at  # type: ignore[no-any-return]


@strawberry.type(description="It is public, as every post of this feed.")
class PublicPost:
    why: strawberry.Private[Reason]

    @strawberry.field(description="When it was published.")
    def published_at(self) -> datetime:
        return self.why.post.published_at


FeedReason = Annotated[
    OwnPost | FollowedAuthor | FollowedTags | TrendingNow | ActiveDiscussion | PublicPost,
    strawberry.union("FeedReason", description="Why a post is in a feed: the first of these that holds."),
]

PUBLIC_REASONS: dict[FeedKind, Any] = {
    FeedKind.POPULAR: TrendingNow,
    FeedKind.DISCUSSED: ActiveDiscussion,
    FeedKind.GLOBAL: PublicPost,
}


async def reason_of(info: Info, kind: FeedKind, post: models.Post) -> Any:  # noqa: ANN401 - one of the union.
    if kind in PUBLIC_REASONS:
        return PUBLIC_REASONS[kind](why=Reason(post))
    found = await info.context.loaders.load(loaders.feeds.reasons_by_post_id, post.id)
    why = Reason(post, tuple(found.tag_ids))
    if kind is FeedKind.HOME and post.author_id == info.context.viewer.user_id:
        return OwnPost(why=why)
    if kind is not FeedKind.FOLLOWING_TAGS and found.is_author_followed:
        return FollowedAuthor(why=why)
    return FollowedTags(why=why)


@dataclass(frozen=True, slots=True)
class FeedEdgeRow(EdgeRow):
    feed: Feed


@strawberry.type(description="A post in a feed.")
class FeedEdge:
    node: LazyPost = strawberry.field(description="The post.")

    @strawberry.field(description=CURSOR)
    def cursor(edge: strawberry.Parent[FeedEdgeRow], info: Info) -> str:
        return cursor_of(info, edge)

    @strawberry.field(graphql_type=FeedReason, description="Why it is here.")
    async def reason(edge: strawberry.Parent[FeedEdgeRow], info: Info) -> Any:  # noqa: ANN401 - one of the union.
        return await reason_of(info, edge.feed.kind, edge.node)

    @strawberry.field(
        description="The place in the feed as text of fixed width, so that clients can merge pages: in the order "
        "NEWEST a later post has the greater text."
    )
    def position(edge: strawberry.Parent[FeedEdgeRow]) -> str:
        return edge.feed.cursor_order.sortable(edge.item.key)


@dataclass(frozen=True)
class FeedRow(ConnectionRow):
    feed: Feed

    @property
    def start_key(self) -> Key | None:
        return self._reached if self.part.backwards and self._reached else super().start_key

    @property
    def end_key(self) -> Key | None:
        return self._reached if not self.part.backwards and self._reached else super().end_key

    @property
    def ranking(self) -> Snapshot | None:
        return self.page.snapshot if isinstance(self.page, FeedPage) else None

    @property
    def _reached(self) -> Key | None:
        return self.page.reached if isinstance(self.page, FeedPage) else None


@strawberry.type(description="One page of a feed.")
class FeedConnection:
    edges: list[FeedEdge] = strawberry.field(description="The posts with their reasons.")
    nodes: list[LazyPost] = strawberry.field(description="The posts alone.")
    page_info: PageInfo = strawberry.field(
        description="Where the page stands. A filter looks at 5,000 posts at most: a page cut short by that says "
        "hasNextPage, and its endCursor goes on from there."
    )

    @strawberry.field(description="Why there is nothing on this page; null if there is something.")
    async def empty_reason(page: strawberry.Parent[FeedRow], info: Info) -> FeedEmptyReason | None:
        if page.edges:
            return None
        return await loaders.feeds.empty_reason(info.context.loaders.reader, page.feed, page.part)

    @strawberry.field(
        description="The list that a page of POPULAR or DISCUSSED was read from; null with a filter, which is asked of "
        "the numbers as they are, and for all other kinds."
    )
    def snapshot(page: strawberry.Parent[FeedRow]) -> RankingSnapshot | None:
        return described(page.ranking) if page.ranking else None

    @strawberry.field(description="How many posts the feed holds, counted up to a limit.")
    async def count(
        page: strawberry.Parent[FeedRow],
        info: Info,
        up_to: Annotated[int, strawberry.argument(description="The limit, 1 to 1,000.")] = 100,
    ) -> CappedCount:
        if not 1 <= up_to <= MAX_COUNT:
            raise BadUserInput(f"upTo must be between 1 and {MAX_COUNT}.")
        part = Slice(up_to, after=page.ranking.top if page.ranking else None)
        whole = await info.context.loaders.load(loaders.feeds.pages, FeedPart(page.feed, part))
        return CappedCount(value=len(whole.items), is_capped=whole.has_more)


async def feed_page(
    info: Info, feed: Feed, first: int | None, after: str | None, last: int | None, before: str | None
) -> FeedRow:
    """Raises BadUserInput or InvalidCursor."""
    order = feed.cursor_order
    part = requested_slice(info.context, order, first, after, last, before)
    page = await connect(
        order,
        part,
        load_page=lambda wanted: info.context.loaders.load(loaders.feeds.pages, FeedPart(feed, wanted)),
        load_nodes=lambda ids: info.context.loaders.load_many(loaders.posts.by_id, ids),
    )
    edges = [FeedEdgeRow(edge.node, edge.item, edge.order, feed) for edge in page.edges]
    row = FeedRow(edges, page.page, part, order, page.has_items, feed)
    return replace(row, part=row.ranking.part_read(part)) if row.ranking else row


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
