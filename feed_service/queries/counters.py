"""The stored numbers of posts, users, comments and tags; what each of them means is defined in `stats`."""

from typing import Any

from sqlalchemy import ColumnElement, Float, Select, case, cast, func, select

from feed_service import models
from feed_service.queries.batches import Ids, is_any
from feed_service.queries.stats import hot_key, or_zero


def of_posts(post_ids: Ids) -> Select[*tuple[Any, ...]]:
    """(post id, its numbers)."""
    post, stored = models.Post, models.PostStats
    columns = (post.id.label("post_id"), *counts_of_post(), *moments_of_post())
    return select(*columns).outerjoin(stored, stored.post_id == post.id).where(is_any(post.id, post_ids))


def counts_of_post() -> list[ColumnElement[Any]]:
    """Its counters, in a join of posts to their stats."""
    stored = models.PostStats
    return [
        or_zero(stored.like_count).label("like_count"),
        or_zero(stored.comment_count).label("comment_count"),
        or_zero(stored.bookmark_count).label("bookmark_count"),
        or_zero(stored.view_count).label("view_count"),
        or_zero(stored.commenter_count).label("unique_commenter_count"),
    ]


def moments_of_post() -> list[ColumnElement[Any]]:
    """(hot_key, last_activity_at, as_of), in the same join. A draft counts from its creation."""
    post, stored = models.Post, models.PostStats
    since = case((post.published_at > func.now(), post.created_at), else_=post.published_at)
    likes, commenters, bookmarks = (
        or_zero(column) for column in (stored.like_count, stored.commenter_count, stored.bookmark_count)
    )
    return [
        hot_key(likes, commenters, bookmarks, since).label("hot_key"),
        func.coalesce(stored.last_comment_at, since).label("last_activity_at"),
        func.now().label("as_of"),
    ]


def of_users(user_ids: Ids) -> Select[*tuple[Any, ...]]:
    """(user id, its counters, likes_per_post, last_published_at, as_of)."""
    user, stored = models.User, models.UserStats
    likes, posts = or_zero(stored.received_like_count), or_zero(stored.post_count)
    return (
        select(
            user.id.label("user_id"),
            posts.label("post_count"),
            or_zero(stored.follower_count).label("follower_count"),
            or_zero(stored.following_count).label("following_count"),
            likes.label("received_like_count"),
            or_zero(stored.view_count).label("total_views"),
            (cast(likes, Float(53)) / func.greatest(posts, 1)).label("likes_per_post"),
            stored.last_published_at,
            func.now().label("as_of"),
        )
        .outerjoin(stored, stored.user_id == user.id)
        .where(is_any(user.id, user_ids))
    )


def of_comments(comment_ids: Ids) -> Select[models.CommentStats]:
    return select(models.CommentStats).where(is_any(models.CommentStats.comment_id, comment_ids))


def of_tags(tag_ids: Ids) -> Select[models.TagStats]:
    return select(models.TagStats).where(is_any(models.TagStats.tag_id, tag_ids))
