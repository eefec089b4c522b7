"""Feeds: pages of posts that say why each post is there, and why there are none."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from feed_service import loaders
from feed_service.errors import BadUserInput
from feed_service.loaders.feeds import Feed, FeedPage, FeedPart
from feed_service.loaders.rankings import Snapshot
from feed_service.paging import Key, Slice
from feed_service.schema.connections import (
    CURSOR,
    CappedCount,
    ConnectionRow,
    EdgeRow,
    PageInfo,
    cursors_of,
    edges_of,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.enums import FeedEmptyReason
from feed_service.schema.feed_reasons import FeedReason, reasons_of
from feed_service.schema.lazy import LazyPost
from feed_service.schema.levels import Rows, Values, level
from feed_service.schema.parts import of_page, post_parts
from feed_service.schema.polling import MAX_MISSING, FeedGap, FeedHead, HeadRow, head_of_page
from feed_service.schema.rankings import RankingSnapshot, described

MAX_COUNT = 1_000


@dataclass(slots=True)
class FeedEdgeRow(EdgeRow):
    feed: Feed


@strawberry.type(description="A post in a feed.")
class FeedEdge:
    node: LazyPost = strawberry.field(description="The post.")

    @level(graphql_type=str, description=CURSOR)
    def cursor(edges: Rows[EdgeRow], info: Info) -> list[str]:
        return cursors_of(info, edges)

    @level(graphql_type=FeedReason, description="Why it is here.", may_wait=True)
    def reason(edges: Rows[FeedEdgeRow], info: Info) -> Values:
        return reasons_of(info, [(edge.feed.kind, edge.node) for edge in edges])

    @strawberry.field(
        description="The place in the feed as text of fixed width, so that clients can merge pages: in the order "
        "NEWEST a later post has the greater text."
    )
    def position(edge: strawberry.Parent[FeedEdgeRow]) -> str:
        return edge.order.sortable(edge.item.key)


@dataclass
class FeedRow(ConnectionRow):
    feed: Feed

    @property
    def start_key(self) -> Key | None:
        return self._reached if self.part.backwards and self._reached else super().start_key

    @property
    def end_key(self) -> Key | None:
        return self._reached if not self.part.backwards and self._reached else super().end_key

    @property
    def feed_page(self) -> FeedPage:
        assert isinstance(self.page, FeedPage)  # noqa: S101 - `feed_page` has read it.
        return self.page

    @property
    def ranking(self) -> Snapshot | None:
        return self.feed_page.snapshot

    async def head(self, info: Info) -> HeadRow:
        begins_at_top = self.part.after is None and not self.part.backwards
        return await head_of_page(info, self.feed, self.feed_page, self.start_key if begins_at_top else None)

    def gap(self, info: Info) -> FeedGap | None:
        """A page that was cut short before it came to its end."""
        part, page = self.part, self.feed_page
        if part.backwards or part.before is None or not page.has_more:
            return None
        end = page.reached or page.items[-1].key
        after, before = (info.context.cursors.encode(self.order, key) for key in (end, part.before))
        missing = FeedPart(self.feed, Slice(MAX_MISSING, after=end, before=part.before))
        return FeedGap(after=after, before=before, part=missing)

    @property
    def _reached(self) -> Key | None:
        return self.feed_page.reached


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

    @strawberry.field(
        graphql_type=FeedHead, description="Where the feed stood when this page was read: polls go on from here."
    )
    async def head(page: strawberry.Parent[FeedRow], info: Info) -> HeadRow:
        return await page.head(info)

    @strawberry.field(
        description="What is missing between this page, which was asked for by `first` and `before`, and the cursor "
        "`before`; null if nothing is."
    )
    def gap(page: strawberry.Parent[FeedRow], info: Info) -> FeedGap | None:
        return page.gap(info)

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
    load = info.context.loaders.load

    async def has_items(wanted: Slice) -> bool:
        return bool((await load(loaders.feeds.pages, FeedPart(feed, wanted))).items)

    parts = post_parts(info, of_page)
    (found,) = await info.context.loaders.many(loaders.feeds.pages, [FeedPart(feed, part, parts)])
    posts = [item.row for item in found.items]
    if None in posts:
        posts = await info.context.loaders.many(loaders.posts.by_id, [item.id for item in found.items], parts)
    edges = edges_of(found, posts, FeedEdgeRow, order, feed)
    return FeedRow(edges, found, found.snapshot.part_read(part) if found.snapshot else part, order, has_items, feed)
