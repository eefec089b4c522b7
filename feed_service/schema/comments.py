"""Comments, their replies, and the thread read depth first."""

from dataclasses import dataclass, replace
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
    cursor_of,
    page_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.editing import Deletable, Editable
from feed_service.schema.enums import CommentOrder
from feed_service.schema.interfaces import Likeable, Node
from feed_service.schema.lazy import LazyComment, LazyPost, LazyUser
from feed_service.schema.scalars import HTML, Markdown, SyncToken
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

    @strawberry.field(description="The text; null for a tombstone.")
    def body(comment: strawberry.Parent[models.Comment]) -> Markdown | None:
        return None if comment.is_tombstone else Markdown(comment.body)

    @strawberry.field(description="The text as sanitised HTML; null for a tombstone.")
    async def body_html(comment: strawberry.Parent[models.Comment], info: Info) -> HTML | None:
        if comment.is_tombstone:
            return None
        return HTML(await info.context.loaders.load(loaders.rendered.html_by_text, comment.body))

    @strawberry.field(graphql_type=LazyUser | None, description="Who wrote it; null for a tombstone.")
    async def author(comment: strawberry.Parent[models.Comment], info: Info) -> models.User | None:
        if comment.is_tombstone:
            return None
        return await info.context.loaders.load(loaders.users.by_id, comment.author_id)

    @strawberry.field(graphql_type=LazyPost, description="The post it belongs to.")
    async def post(comment: strawberry.Parent[models.Comment], info: Info) -> models.Post | None:
        return await info.context.loaders.load(loaders.posts.by_id, comment.post_id)

    @strawberry.field(graphql_type=LazyComment | None, description="The comment it hangs on; null on the post itself.")
    async def parent(comment: strawberry.Parent[models.Comment], info: Info) -> models.Comment | None:
        if comment.parent_id is None:
            return None
        return await info.context.loaders.load(loaders.comments.shown_by_id, comment.parent_id)

    @strawberry.field(
        graphql_type=LazyComment | None,
        description="The comment it answers: its parent, except in threads deeper than 100 levels.",
    )
    async def reply_to(comment: strawberry.Parent[models.Comment], info: Info) -> models.Comment | None:
        answered = comment.reply_to_id or comment.parent_id
        if answered is None:
            return None
        return await info.context.loaders.load(loaders.comments.shown_by_id, answered)

    @strawberry.field(description="Direct replies.")
    async def reply_count(comment: strawberry.Parent[models.Comment], info: Info) -> int:
        return (await info.context.loaders.load(loaders.stats.by_comment_id, comment.id)).reply_count

    @strawberry.field(description="Comments below, on every level.")
    async def descendant_count(comment: strawberry.Parent[models.Comment], info: Info) -> int:
        return (await info.context.loaders.load(loaders.stats.by_comment_id, comment.id)).descendant_count

    @strawberry.field(graphql_type=CommentConnection, description="Direct replies.")
    async def replies(
        comment: strawberry.Parent[models.Comment],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[CommentOrder, strawberry.argument(description="In which order.")] = CommentOrder.TOP,
    ) -> ThreadRow:
        named = loaders.comments.REPLY_ORDERS[order]
        part, standing = requested_slice(info.context, named, first, after, last, before), await standing_for(info)
        batch, nodes = loaders.comments.replies_by_comment_id, loaders.comments.shown_by_id
        page = await page_under(info, comment.id, batch, order, order=named, part=part, nodes=nodes)
        return ThreadRow.of(page, comment.post_id, standing)


@dataclass(frozen=True, slots=True)
class TreeEdgeRow(EdgeRow):
    max_depth: int


@strawberry.type(description="A comment in a thread.")
class CommentTreeEdge:
    node: LazyComment = strawberry.field(description="The comment.")

    @strawberry.field(description=CURSOR)
    def cursor(edge: strawberry.Parent[EdgeRow], info: Info) -> str:
        return cursor_of(info, edge)

    @strawberry.field(description="0 for a comment on the post itself.")
    def depth(edge: strawberry.Parent[EdgeRow]) -> int:
        return int(edge.node.depth)

    @strawberry.field(description="Comments below this one that `maxDepth` cuts off; 0 above that depth.")
    async def more_replies(edge: strawberry.Parent[TreeEdgeRow], info: Info) -> CappedCount:
        if edge.node.depth + 1 < edge.max_depth:
            return CappedCount(value=0, is_capped=False)
        stats = await info.context.loaders.load(loaders.stats.by_comment_id, edge.node.id)
        count = stats.descendant_count
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


async def comment_tree(info: Info, post: models.Post, part: Slice, max_depth: int) -> ThreadRow:
    """One page of the thread under `post`, its comments from `max_depth` levels on left out."""
    order, standing = loaders.comments.tree_order(max_depth), await standing_for(info)
    batch, nodes = loaders.comments.tree_by_post_id, loaders.comments.shown_by_id
    page = await page_under(info, post.id, batch, max_depth, order=order, part=part, nodes=nodes)
    edges = [TreeEdgeRow(edge.node, edge.item, edge.order, max_depth) for edge in page.edges]
    return ThreadRow.of(replace(page, edges=edges), post.id, standing)
