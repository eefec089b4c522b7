"""Comments of a post and replies to a comment, as siblings in an order; the whole thread is in `comment_trees`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import Ids, is_any, per_parent
from feed_service.queries.stats import comment_counts
from feed_service.queries.visibility import (
    comment_accessible_to,
    comment_listed_for,
    comment_shown_to,
    post_accessible_to,
)
from feed_service.viewer import Viewer
from feed_service.vocabulary import CommentOrder

SORTS = {
    CommentOrder.TOP: Sort((models.CommentRank.like_count, models.CommentRank.comment_id)),
    CommentOrder.NEWEST: Sort((models.Comment.created_at, models.Comment.id)),
    CommentOrder.OLDEST: Sort((models.Comment.created_at, models.Comment.id), is_descending=False),
}


def shown_by_ids(viewer: Viewer, comment_ids: Ids) -> Select[models.Comment]:
    """Comments as a thread shows them: a tombstone where only something below is listed."""
    is_tombstone = ~comment_listed_for(viewer)
    comments = select(models.Comment, is_tombstone.label("is_tombstone"))
    return comments.where(is_any(models.Comment.id, comment_ids), comment_shown_to(viewer))


def accessible_by_ids(viewer: Viewer, comment_ids: Ids) -> Select[models.Comment]:
    """Comments opened by their ids, under posts that the viewer may open; whole for a moderator."""
    accessible = comment_accessible_to(viewer)
    post_is_accessible = select(models.Post.id).where(
        models.Post.id == models.Comment.post_id, post_accessible_to(viewer)
    )
    return (
        select(models.Comment, (~accessible).label("is_tombstone"))
        .where(is_any(models.Comment.id, comment_ids), accessible | comment_shown_to(viewer))
        .where(post_is_accessible.exists())
    )


def last_at(post_id: Any) -> Select[datetime]:  # noqa: ANN401 - a column of the statement around it.
    """(when the newest comment that counts was written,); no row without any."""
    newest = select(models.Comment.created_at).where(models.Comment.post_id == post_id, comment_counts())
    return newest.order_by(models.Comment.created_at.desc()).limit(1)


def roots_of_posts(
    viewer: Viewer, post_ids: Sequence[int], order: CommentOrder, part: Slice, *, with_tombstones: bool
) -> Select[*tuple[Any, ...]]:
    """(post id, comment id, sort columns): the page of comments on each post itself."""
    seen = comment_shown_to(viewer) if with_tombstones else comment_listed_for(viewer)

    def siblings(comment: Any, post_id: ColumnElement[int]) -> Any:  # noqa: ANN401 - Comment or CommentRank.
        return (comment.post_id == post_id) & comment.parent_id.is_(None)

    return _siblings(post_ids, order, part, siblings, seen)


def replies_of_comments(
    viewer: Viewer, comment_ids: Sequence[int], order: CommentOrder, part: Slice
) -> Select[*tuple[Any, ...]]:
    """(comment id, reply id, sort columns): the page of direct replies to each comment."""

    def siblings(comment: Any, parent_id: ColumnElement[int]) -> Any:  # noqa: ANN401 - Comment or CommentRank.
        return comment.parent_id == parent_id

    return _siblings(comment_ids, order, part, siblings, comment_shown_to(viewer))


def _siblings(
    parent_ids: Sequence[int],
    order: CommentOrder,
    part: Slice,
    siblings: Callable[[Any, ColumnElement[int]], Any],
    seen: ColumnElement[bool],
) -> Select[*tuple[Any, ...]]:
    sort = SORTS[order]

    def page(parent_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        comments = select(models.Comment.id.label("item_id"), *sort.columns).where(seen)
        if order is CommentOrder.TOP:
            comments = comments.join(models.CommentRank, models.CommentRank.comment_id == models.Comment.id)
            return sort.slice(comments.where(siblings(models.CommentRank, parent_id)), part)
        return sort.slice(comments.where(siblings(models.Comment, parent_id)), part)

    return per_parent(parent_ids, page)
