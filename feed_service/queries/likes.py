"""Who likes what, newest like first."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import Ids, is_any, per_parent
from feed_service.queries.visibility import id_of, user_listed_for
from feed_service.viewer import Viewer

LIKERS_OF_POST = Sort((models.PostLike.created_at, models.PostLike.user_id))
LIKERS_OF_COMMENT = Sort((models.CommentLike.created_at, models.CommentLike.user_id))


def likers_of_posts(viewer: Viewer, post_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(post id, user id, liked at, user id)."""
    like = models.PostLike

    def page(post_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        likers = select(like.user_id.label("item_id"), *LIKERS_OF_POST.columns)
        return LIKERS_OF_POST.slice(likers.where(like.post_id == post_id, user_listed_for(viewer, like.user_id)), part)

    return per_parent(post_ids, page)


def likers_of_comments(viewer: Viewer, comment_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(comment id, user id, liked at, user id)."""
    like = models.CommentLike

    def page(comment_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        likers = select(like.user_id.label("item_id"), *LIKERS_OF_COMMENT.columns)
        return LIKERS_OF_COMMENT.slice(
            likers.where(like.comment_id == comment_id, user_listed_for(viewer, like.user_id)), part
        )

    return per_parent(comment_ids, page)


def comments_liked_by(viewer: Viewer, comment_ids: Ids) -> Select[int]:
    """Which of the comments the viewer likes."""
    like = models.CommentLike
    return select(like.comment_id).where(like.user_id == id_of(viewer), is_any(like.comment_id, comment_ids))
