"""Posts, their comments, and what stands between a post and the viewer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.errors import BadUserInput
from feed_service.paging import Slice
from feed_service.rows import is_a
from feed_service.schema.authors import author_of
from feed_service.schema.bookmarks import BookmarkCollection, collections_of_post
from feed_service.schema.comments import CommentTreeConnection, comment_tree
from feed_service.schema.connections import (
    After,
    Before,
    First,
    Last,
    page_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.editing import Deletable, Editable
from feed_service.schema.enums import CannotCommentReason, CommentOrder, PostStatus
from feed_service.schema.interfaces import Likeable, Node
from feed_service.schema.lazy import LazyCategory, LazyComment, LazyTag, LazyUser
from feed_service.schema.scalars import HTML, Markdown
from feed_service.schema.stats import PostStats
from feed_service.schema.threads import CommentConnection, ThreadRow, standing_for

MAX_EXCERPT = 1_000
MAX_PREVIEW = 10
MAX_TREE_DEPTH = 100


@dataclass(frozen=True, slots=True)
class PostAndViewer:
    """A post, and the row of `viewer_states` about it."""

    post: models.Post
    state: Any


@strawberry.type(description="What stands between the viewer and a post.")
class PostViewerState:
    @strawberry.field(description="The viewer likes it.")
    def has_liked(parent: strawberry.Parent[PostAndViewer]) -> bool:
        return bool(parent.state.has_liked)

    @strawberry.field(description="The viewer keeps it among the bookmarks.")
    def has_bookmarked(parent: strawberry.Parent[PostAndViewer]) -> bool:
        return bool(parent.state.has_bookmarked)

    @strawberry.field(
        graphql_type=list[BookmarkCollection], description="The viewer's collections that it stands on, by name."
    )
    async def bookmark_collections(
        parent: strawberry.Parent[PostAndViewer], info: Info
    ) -> list[models.BookmarkCollection]:
        return await collections_of_post(info, parent.post.id)

    @strawberry.field(description="The viewer wrote a comment under it.")
    def has_commented(parent: strawberry.Parent[PostAndViewer]) -> bool:
        return bool(parent.state.has_commented)

    @strawberry.field(description="Its comments, without those on the other side of a block.")
    async def visible_comment_count(parent: strawberry.Parent[PostAndViewer], info: Info) -> int:
        stats = await info.context.loaders.load(loaders.stats.by_post_id, parent.post.id)
        return max(0, int(stats.comment_count - parent.state.hidden_comment_count))

    @strawberry.field(description="The viewer may comment on it.")
    def can_comment(parent: strawberry.Parent[PostAndViewer]) -> bool:
        return not cannot_comment_reasons(parent)

    @strawberry.field(description="Why the viewer may not; empty if `canComment`.")
    def cannot_comment_reasons(parent: strawberry.Parent[PostAndViewer]) -> list[CannotCommentReason]:
        return cannot_comment_reasons(parent)


def cannot_comment_reasons(parent: PostAndViewer) -> list[CannotCommentReason]:
    reasons = {
        CannotCommentReason.NOT_PUBLISHED: status_of(parent.post) is not PostStatus.PUBLISHED,
        CannotCommentReason.DELETED: parent.post.deleted_at is not None,
        CannotCommentReason.BLOCKED: parent.state.is_blocked,
    }
    return [reason for reason, holds in reasons.items() if holds]


def status_of(post: models.Post) -> PostStatus:
    """A scheduled post is published by the clock, whether or not a job has seen to it."""
    if post.status == "draft":
        return PostStatus.DRAFT
    return PostStatus.PUBLISHED if post.published_at <= datetime.now(UTC) else PostStatus.SCHEDULED


@strawberry.type(description="What people write here.")
class Post(Node, Likeable, Editable, Deletable):
    slug: str = strawberry.field(description="Unique, for addresses.")
    title: str = strawberry.field(description="Plain text.")
    language: str | None = strawberry.field(description="The language it is written in, as its author said.")
    created_at: datetime = strawberry.field(description="When it was begun.")

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.Post)

    @strawberry.field(graphql_type=list[LazyTag], description="Its tags, by slug.")
    async def tags(post: strawberry.Parent[models.Post], info: Info) -> list[models.Tag]:
        found = await info.context.loaders.load_many(loaders.tags.by_id, post.tag_ids)
        return sorted((tag for tag in found if tag is not None), key=attrgetter("slug"))

    @strawberry.field(description="The text.")
    def body(post: strawberry.Parent[models.Post]) -> Markdown:
        return Markdown(post.body)

    @strawberry.field(description="The text as sanitised HTML.")
    async def body_html(post: strawberry.Parent[models.Post], info: Info) -> HTML:
        return HTML(await info.context.loaders.load(loaders.rendered.html_by_text, post.body))

    @strawberry.field(description="The beginning of the text without mark-up, cut at a word.")
    async def excerpt(
        post: strawberry.Parent[models.Post],
        info: Info,
        max_chars: Annotated[int, strawberry.argument(description="How long at most, 1 to 1,000.")] = 280,
    ) -> str:
        if not 1 <= max_chars <= MAX_EXCERPT:
            raise BadUserInput(f"maxChars must be between 1 and {MAX_EXCERPT}.")
        return await info.context.loaders.load(loaders.rendered.excerpt_by_text, post.body, max_chars)

    @strawberry.field(description="Where it stands.")
    def status(post: strawberry.Parent[models.Post]) -> PostStatus:
        return status_of(post)

    @strawberry.field(description="When everyone could first see it; null for drafts and scheduled posts.")
    def published_at(post: strawberry.Parent[models.Post]) -> datetime | None:
        return post.published_at if status_of(post) is PostStatus.PUBLISHED else None

    @strawberry.field(description="When it will be published; null unless it is scheduled.")
    def scheduled_for(post: strawberry.Parent[models.Post]) -> datetime | None:
        return post.published_at if status_of(post) is PostStatus.SCHEDULED else None

    @strawberry.field(graphql_type=LazyUser, description="Who wrote it.")
    async def author(post: strawberry.Parent[models.Post], info: Info) -> models.User | None:
        return await author_of(info, post)

    @strawberry.field(graphql_type=LazyCategory | None, description="The section it stands in.")
    async def category(post: strawberry.Parent[models.Post], info: Info) -> models.Category | None:
        if post.category_id is None:
            return None
        return await info.context.loaders.load(loaders.tags.category_by_id, post.category_id)

    @strawberry.field(graphql_type=PostStats, description="Its public numbers.")
    async def stats(post: strawberry.Parent[models.Post], info: Info) -> Any:  # noqa: ANN401 - a row.
        return await info.context.loaders.load(loaders.stats.by_post_id, post.id)

    @strawberry.field(
        graphql_type=PostViewerState | None,
        description="What stands between it and the viewer; null if nobody is signed in.",
    )
    async def viewer_state(post: strawberry.Parent[models.Post], info: Info) -> PostAndViewer | None:
        if info.context.viewer.is_anonymous:
            return None
        return PostAndViewer(post, await info.context.loaders.load(loaders.viewer_states.by_post_id, post.id))

    @strawberry.field(
        graphql_type=list[LazyComment], description="A few comments on the post itself, to show beside it."
    )
    async def comment_preview(
        post: strawberry.Parent[models.Post],
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 10.")] = 3,
        order: Annotated[CommentOrder, strawberry.argument(description="In which order.")] = CommentOrder.TOP,
    ) -> list[models.Comment]:
        if not 1 <= first <= MAX_PREVIEW:
            raise BadUserInput(f"first must be between 1 and {MAX_PREVIEW}.")
        batch = loaders.comments.listed_roots_by_post_id
        page = await info.context.loaders.load(batch, post.id, order, Slice(first))
        ids = [item.id for item in page.items]
        found = await info.context.loaders.load_many(loaders.comments.shown_by_id, ids)
        return [comment for comment in found if comment is not None and not comment.is_tombstone]

    @strawberry.field(graphql_type=CommentConnection, description="Comments on the post itself.")
    async def comments(
        post: strawberry.Parent[models.Post],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[CommentOrder, strawberry.argument(description="In which order.")] = CommentOrder.TOP,
    ) -> ThreadRow:
        named = loaders.comments.ROOT_ORDERS[order]
        part, standing = requested_slice(info.context, named, first, after, last, before), await standing_for(info)
        batch, nodes = loaders.comments.roots_by_post_id, loaders.comments.shown_by_id
        page = await page_under(info, post.id, batch, order, order=named, part=part, nodes=nodes)
        return ThreadRow.of(page, post.id, standing)

    @strawberry.field(
        graphql_type=CommentTreeConnection, description="The whole thread depth first, siblings oldest first."
    )
    async def comment_tree(
        post: strawberry.Parent[models.Post],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        max_depth: Annotated[int, strawberry.argument(description="How many levels, 1 to 100.")] = 8,
    ) -> ThreadRow:
        if not 1 <= max_depth <= MAX_TREE_DEPTH:
            raise BadUserInput(f"maxDepth must be between 1 and {MAX_TREE_DEPTH}.")
        order = loaders.comments.tree_order(max_depth)
        part = requested_slice(info.context, order, first, after, last, before)
        return await comment_tree(info, post, part, max_depth)
