"""Comments, their replies, and the thread read depth first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.paging import Slice
from feed_service.rows import is_a
from feed_service.schema.connections import (
    CURSOR,
    After,
    Before,
    CappedCount,
    EdgeRow,
    First,
    Last,
    PageInfo,
    cursors_of,
    pages_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.editing import Deletable, Editable
from feed_service.schema.enums import CommentOrder
from feed_service.schema.interfaces import Likeable, Node
from feed_service.schema.lazy import LazyComment, LazyPost, LazyUser
from feed_service.schema.levels import Rows, Values, level
from feed_service.schema.loading import authors, many_or_none
from feed_service.schema.parts import is_whole_page
from feed_service.schema.scalars import HTML, Markdown, SyncToken
from feed_service.schema.selection import told_by
from feed_service.schema.threads import HOW_TO_GO_ON, CommentConnection, ThreadRow, standing_for, sync_token

MORE_REPLIES_LIMIT = 99


@strawberry.type(
    description="Something said about a post, or about another comment. A tombstone stands for one that can no longer "
    "be seen but has replies: it has neither author nor text."
)
class Comment(Node, Likeable, Editable, Deletable):
    is_tombstone: bool = strawberry.field(description="Whether only the place of this comment is left.")
    depth: int = strawberry.field(description="0 for a comment on the post itself.")
    created_at: datetime = strawberry.field(description="When it was written.")

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.Comment)

    @level(graphql_type=Markdown | None, description="The text; null for a tombstone.")
    def body(comments: Rows[models.Comment]) -> list[str | None]:
        return [None if comment.is_tombstone else comment.body for comment in comments]

    @level(graphql_type=HTML | None, description="The text as sanitised HTML; null for a tombstone.")
    async def body_html(comments: Rows[models.Comment], info: Info) -> list[str | None]:
        texts = [None if comment.is_tombstone else comment.body for comment in comments]
        return await many_or_none(info, loaders.rendered.html_by_text, texts)

    @level(graphql_type=LazyUser | None, description="Who wrote it; null for a tombstone.", may_wait=True)
    def author(comments: Rows[models.Comment], info: Info) -> Values:
        # Who sees more than a tombstone sees its author.
        return authors(info, comments, [None if comment.is_tombstone else comment.author_id for comment in comments])

    @level(graphql_type=LazyPost, description="The post it belongs to.")
    async def post(comments: Rows[models.Comment], info: Info) -> list[models.Post | None]:
        return await info.context.loaders.many(loaders.posts.by_id, [comment.post_id for comment in comments])

    @level(graphql_type=LazyComment | None, description="The comment it hangs on; null on the post itself.")
    async def parent(comments: Rows[models.Comment], info: Info) -> list[models.Comment | None]:
        ids = [comment.parent_id for comment in comments]
        return await many_or_none(info, loaders.comments.shown_by_id, ids)

    @level(
        graphql_type=LazyComment | None,
        description="The comment it answers: its parent, except in threads deeper than 100 levels.",
    )
    async def reply_to(comments: Rows[models.Comment], info: Info) -> list[models.Comment | None]:
        ids = [comment.reply_to_id or comment.parent_id for comment in comments]
        return await many_or_none(info, loaders.comments.shown_by_id, ids)

    @level(graphql_type=int, description="Direct replies.")
    async def reply_count(comments: Rows[models.Comment], info: Info) -> list[int]:
        return [numbers.reply_count for numbers in await numbers_of(info, comments)]

    @level(graphql_type=int, description="Comments below, on every level.")
    async def descendant_count(comments: Rows[models.Comment], info: Info) -> list[int]:
        return [numbers.descendant_count for numbers in await numbers_of(info, comments)]

    @level(graphql_type=CommentConnection, description="Direct replies.")
    async def replies(
        comments: Rows[models.Comment],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[CommentOrder, strawberry.argument(description="In which order.")] = CommentOrder.TOP,
    ) -> list[ThreadRow]:
        named = loaders.comments.REPLY_ORDERS[order]
        part, standing = requested_slice(info.context, named, first, after, last, before), await standing_for(info)
        batch, ids = loaders.comments.replies_by_comment_id, [comment.id for comment in comments]
        pages = await pages_under(info, ids, batch, order, told_by(info, is_whole_page), order=named, part=part)
        return ThreadRow.of_each(pages, [comment.post_id for comment in comments], standing)


async def numbers_of(info: Info, comments: Sequence[models.Comment]) -> list[models.CommentStats]:
    return await info.context.loaders.many(loaders.stats.by_comment_id, [comment.id for comment in comments])


@dataclass(slots=True)
class TreeEdgeRow(EdgeRow):
    max_depth: int


@strawberry.type(description="A comment in a thread.")
class CommentTreeEdge:
    node: LazyComment = strawberry.field(description="The comment.")

    @level(graphql_type=str, description=CURSOR)
    def cursor(edges: Rows[EdgeRow], info: Info) -> list[str]:
        return cursors_of(info, edges)

    @strawberry.field(description="0 for a comment on the post itself.")
    def depth(edge: strawberry.Parent[EdgeRow]) -> int:
        return int(edge.node.depth)

    @level(
        graphql_type=CappedCount, description="Comments below this one that `maxDepth` cuts off; 0 above that depth."
    )
    async def more_replies(edges: Rows[TreeEdgeRow], info: Info) -> list[CappedCount]:
        cut = [edge.node.id if edge.node.depth + 1 >= edge.max_depth else None for edge in edges]
        found = await many_or_none(info, loaders.stats.by_comment_id, cut)
        return [capped(numbers.descendant_count if numbers else 0) for numbers in found]


def capped(count: int) -> CappedCount:
    return CappedCount(value=min(count, MORE_REPLIES_LIMIT), is_capped=count > MORE_REPLIES_LIMIT)


@strawberry.type(
    description="One page of a thread, depth first: each comment is followed by its replies, oldest first."
)
class CommentTreeConnection:
    edges: list[CommentTreeEdge] = strawberry.field(description="The comments with their depth.")
    nodes: list[LazyComment] = strawberry.field(description="The comments alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the thread.")

    @strawberry.field(description=HOW_TO_GO_ON)
    def sync_token(row: strawberry.Parent[ThreadRow], info: Info) -> SyncToken:
        return sync_token(row, info)


async def comment_trees(info: Info, post_ids: list[int], part: Slice, max_depth: int) -> list[ThreadRow]:
    """One page of the thread under each post, its comments from `max_depth` levels on left out."""
    order, standing = loaders.comments.tree_order(max_depth), await standing_for(info)
    pages = await pages_under(info, post_ids, loaders.comments.tree_by_post_id, max_depth, order=order, part=part)
    for page in pages:
        page.edges = [TreeEdgeRow(edge.node, edge.item, edge.order, max_depth) for edge in page.edges]
    return ThreadRow.of_each(pages, post_ids, standing)
