"""Posts, their comments, and what stands between a post and the viewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.errors import BadUserInput
from feed_service.rows import is_a
from feed_service.schema.bookmarks import BookmarkCollection, collections_of_posts
from feed_service.schema.comments import CommentTreeConnection, comment_trees
from feed_service.schema.connections import (
    After,
    Before,
    First,
    Last,
    pages_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.editing import Deletable, Editable
from feed_service.schema.enums import CannotCommentReason, CommentOrder, PostStatus
from feed_service.schema.interfaces import Likeable, Node
from feed_service.schema.lazy import LazyCategory, LazyComment, LazyTag, LazyUser
from feed_service.schema.levels import Rows, Values, level
from feed_service.schema.loading import authors, many_or_none, stats_of_posts, tags_by_ids
from feed_service.schema.parts import is_whole, is_whole_page
from feed_service.schema.scalars import HTML, Markdown
from feed_service.schema.selection import columns_for, told_by
from feed_service.schema.stats import PostStats
from feed_service.schema.threads import CommentConnection, ThreadRow, standing_for

MAX_EXCERPT = 1_000
MAX_PREVIEW = 10
MAX_TREE_DEPTH = 100

STATE_COLUMNS = {
    "hasLiked": {"has_liked"},
    "hasBookmarked": {"has_bookmarked"},
    "hasCommented": {"has_commented"},
    "visibleCommentCount": {"hidden_comment_count"},
    "canComment": {"is_blocked"},
    "cannotCommentReasons": {"is_blocked"},
}
"""What each field of `PostViewerState` needs of `viewer_states.by_post_id`."""

state_columns = columns_for(STATE_COLUMNS)


@dataclass(slots=True)
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

    @level(graphql_type=list[BookmarkCollection], description="The viewer's collections that it stands on, by name.")
    async def bookmark_collections(rows: Rows[PostAndViewer], info: Info) -> list[list[models.BookmarkCollection]]:
        return await collections_of_posts(info, [row.post.id for row in rows])

    @strawberry.field(description="The viewer wrote a comment under it.")
    def has_commented(parent: strawberry.Parent[PostAndViewer]) -> bool:
        return bool(parent.state.has_commented)

    @level(graphql_type=int, description="Its comments, without those on the other side of a block.")
    async def visible_comment_count(rows: Rows[PostAndViewer], info: Info) -> list[int]:
        stats = await stats_of_posts(info, [row.post for row in rows])
        return [
            max(0, int(numbers.comment_count - row.state.hidden_comment_count))
            for row, numbers in zip(rows, stats, strict=True)
        ]

    @strawberry.field(description="The viewer may comment on it.")
    def can_comment(parent: strawberry.Parent[PostAndViewer]) -> bool:
        return not cannot_comment_reasons(parent)

    @strawberry.field(description="Why the viewer may not; empty if `canComment`.")
    def cannot_comment_reasons(parent: strawberry.Parent[PostAndViewer]) -> list[CannotCommentReason]:
        return cannot_comment_reasons(parent)


async def states_of(info: Info, posts: Sequence[models.Post]) -> list[PostAndViewer]:
    wanted, ids = told_by(info, state_columns), [post.id for post in posts]
    states = await info.context.loaders.many(loaders.viewer_states.by_post_id, ids, wanted)
    return [PostAndViewer(post, state) for post, state in zip(posts, states, strict=True)]


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
    body: Markdown = strawberry.field(description="The text.")

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.Post)

    @level(graphql_type=list[LazyTag], description="Its tags, by slug.")
    async def tags(posts: Rows[models.Post], info: Info) -> list[list[models.Tag]]:
        found = await tags_by_ids(info, [post.tag_ids for post in posts])
        return [sorted(tags, key=attrgetter("slug")) for tags in found]

    @level(graphql_type=HTML, description="The text as sanitised HTML.")
    async def body_html(posts: Rows[models.Post], info: Info) -> list[str]:
        return await info.context.loaders.many(loaders.rendered.html_by_text, [post.body for post in posts])

    @level(graphql_type=str, description="The beginning of the text without mark-up, cut at a word.")
    async def excerpt(
        posts: Rows[models.Post],
        info: Info,
        max_chars: Annotated[int, strawberry.argument(description="How long at most, 1 to 1,000.")] = 280,
    ) -> list[str]:
        if not 1 <= max_chars <= MAX_EXCERPT:
            raise BadUserInput(f"maxChars must be between 1 and {MAX_EXCERPT}.")
        texts = [post.body for post in posts]
        return await info.context.loaders.many(loaders.rendered.excerpt_by_text, texts, max_chars)

    @strawberry.field(description="Where it stands.")
    def status(post: strawberry.Parent[models.Post]) -> PostStatus:
        return status_of(post)

    @strawberry.field(description="When everyone could first see it; null for drafts and scheduled posts.")
    def published_at(post: strawberry.Parent[models.Post]) -> datetime | None:
        return post.published_at if status_of(post) is PostStatus.PUBLISHED else None

    @strawberry.field(description="When it will be published; null unless it is scheduled.")
    def scheduled_for(post: strawberry.Parent[models.Post]) -> datetime | None:
        return post.published_at if status_of(post) is PostStatus.SCHEDULED else None

    @level(graphql_type=LazyUser, description="Who wrote it.", may_wait=True)
    def author(posts: Rows[models.Post], info: Info) -> Values:
        # Who sees the post sees its author, also one who was suspended a moment ago.
        return authors(info, posts, [post.author_id for post in posts])

    @level(graphql_type=LazyCategory | None, description="The section it stands in.")
    async def category(posts: Rows[models.Post], info: Info) -> list[models.Category | None]:
        return await many_or_none(info, loaders.tags.category_by_id, [post.category_id for post in posts])

    @level(graphql_type=PostStats, description="Its public numbers.", may_wait=True)
    def stats(posts: Rows[models.Post], info: Info) -> Values:
        read_with = loaders.stats.beside(info.context.loaders.reader, posts)
        return read_with if all(read_with) else partial(stats_of_posts, info, posts)

    @level(
        graphql_type=PostViewerState | None,
        description="What stands between it and the viewer; null if nobody is signed in.",
        may_wait=True,
    )
    def viewer_state(posts: Rows[models.Post], info: Info) -> Values:
        if info.context.viewer.is_anonymous:
            return [None] * len(posts)
        if loaders.viewer_states.are_beside(info.context.loaders.reader, posts):
            return [PostAndViewer(post, post) for post in posts]
        return partial(states_of, info, posts)

    @level(graphql_type=list[LazyComment], description="A few comments on the post itself, to show beside it.")
    async def comment_preview(
        posts: Rows[models.Post],
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 10.")] = 3,
        order: Annotated[CommentOrder, strawberry.argument(description="In which order.")] = CommentOrder.TOP,
    ) -> list[list[models.Comment]]:
        if not 1 <= first <= MAX_PREVIEW:
            raise BadUserInput(f"first must be between 1 and {MAX_PREVIEW}.")
        batch, ids = loaders.comments.preview_by_post_id, [post.id for post in posts]
        return await info.context.loaders.many(batch, ids, order, first, told_by(info, is_whole))

    @level(graphql_type=CommentConnection, description="Comments on the post itself.")
    async def comments(
        posts: Rows[models.Post],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[CommentOrder, strawberry.argument(description="In which order.")] = CommentOrder.TOP,
    ) -> list[ThreadRow]:
        named = loaders.comments.ROOT_ORDERS[order]
        part, standing = requested_slice(info.context, named, first, after, last, before), await standing_for(info)
        batch, ids = loaders.comments.roots_by_post_id, [post.id for post in posts]
        pages = await pages_under(info, ids, batch, order, told_by(info, is_whole_page), order=named, part=part)
        return ThreadRow.of_each(pages, ids, standing)

    @level(graphql_type=CommentTreeConnection, description="The whole thread depth first, siblings oldest first.")
    async def comment_tree(
        posts: Rows[models.Post],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        max_depth: Annotated[int, strawberry.argument(description="How many levels, 1 to 100.")] = 8,
    ) -> list[ThreadRow]:
        if not 1 <= max_depth <= MAX_TREE_DEPTH:
            raise BadUserInput(f"maxDepth must be between 1 and {MAX_TREE_DEPTH}.")
        order = loaders.comments.tree_order(max_depth)
        part = requested_slice(info.context, order, first, after, last, before)
        return await comment_trees(info, [post.id for post in posts], part, max_depth)
