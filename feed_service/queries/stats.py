"""What every public number means, recounted from the base tables.

Every function takes the ids to count for, or None for all of them, and answers with one row per existing thing,
columns named as in the table that keeps the numbers. Each table is counted in a subquery of its own and joined by
key afterwards: a join of likes and comments would multiply them.

A like, a bookmark or a follow counts while it is there and a comment while it is not deleted, also when its person is
suspended (docs/decisions/0008-numbers-do-not-depend-on-suspensions.md). A post counts for its author and its tags while
it is not deleted and its status is `published`: the publishing job sets that, and counts the post, soon after a
scheduled post fell due.
"""

from collections.abc import Sequence
from datetime import datetime
from math import log
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    SQLColumnExpression,
    Subquery,
    and_,
    any_,
    cast,
    extract,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import BIT

from feed_service import models
from feed_service.models.comments import PATH_STEP

Ids = Sequence[int] | ColumnElement[Sequence[int]] | None
Numbers = Select[*tuple[Any, ...]]
Column = SQLColumnExpression[Any]

HOT_DOUBLING_S = 21_600
"""Twice the reactions weigh as much as being published six hours later."""


def post_numbers(post_ids: Ids = None) -> Numbers:
    """The columns of `post_stats` but the views. The post itself may be hidden; its numbers are then seen by nobody."""
    likes = tally(models.PostLike.post_id, post_ids)
    bookmarks = tally(models.Bookmark.post_id, post_ids)
    comments = (
        select(
            models.Comment.post_id.label("key"),
            func.count().label("n"),
            func.count(models.Comment.author_id.distinct()).label("people"),
            func.max(models.Comment.created_at).label("last_at"),
        )
        .where(among(models.Comment.post_id, post_ids), comment_counts())
        .group_by(models.Comment.post_id)
        .subquery()
    )
    return (
        select(
            models.Post.id.label("post_id"),
            or_zero(likes.c.n).label("like_count"),
            or_zero(comments.c.n).label("comment_count"),
            or_zero(bookmarks.c.n).label("bookmark_count"),
            or_zero(comments.c.people).label("commenter_count"),
            comments.c.last_at.label("last_comment_at"),
        )
        .outerjoin(likes, likes.c.key == models.Post.id)
        .outerjoin(comments, comments.c.key == models.Post.id)
        .outerjoin(bookmarks, bookmarks.c.key == models.Post.id)
        .where(among(models.Post.id, post_ids))
    )


def post_commenters(post_ids: Ids = None) -> Numbers:
    """(post_id, user_id, n) for everyone with a comment under the post."""
    return (
        select(models.Comment.post_id, models.Comment.author_id.label("user_id"), func.count().label("n"))
        .where(among(models.Comment.post_id, post_ids), comment_counts())
        .group_by(models.Comment.post_id, models.Comment.author_id)
    )


def comment_numbers(comment_ids: Ids = None) -> Numbers:
    """The columns of `comment_stats`. A tombstone's replies count for all its ancestors."""
    likes = tally(models.CommentLike.comment_id, comment_ids)
    replies = tally(models.Comment.parent_id, comment_ids, comment_counts())
    below = descendants(comment_ids)
    return (
        select(
            models.Comment.id.label("comment_id"),
            or_zero(likes.c.n).label("like_count"),
            or_zero(replies.c.n).label("reply_count"),
            or_zero(below.c.n).label("descendant_count"),
        )
        .outerjoin(likes, likes.c.key == models.Comment.id)
        .outerjoin(replies, replies.c.key == models.Comment.id)
        .outerjoin(below, below.c.key == models.Comment.id)
        .where(among(models.Comment.id, comment_ids))
    )


def user_numbers(user_ids: Ids = None) -> Numbers:
    """The columns of `user_stats`; views are summed from `post_stats`, the only place that knows them."""
    posts = posts_of_authors(user_ids)
    comments = tally(models.Comment.author_id, user_ids, comment_counts())
    followers = tally(models.UserFollow.followee_id, user_ids)
    following = tally(models.UserFollow.follower_id, user_ids)
    return (
        select(
            models.User.id.label("user_id"),
            or_zero(posts.c.n).label("post_count"),
            or_zero(followers.c.n).label("follower_count"),
            or_zero(following.c.n).label("following_count"),
            or_zero(posts.c.likes).label("received_like_count"),
            or_zero(posts.c.views).label("view_count"),
            or_zero(comments.c.n).label("comment_count"),
            posts.c.last_at.label("last_published_at"),
        )
        .outerjoin(posts, posts.c.key == models.User.id)
        .outerjoin(comments, comments.c.key == models.User.id)
        .outerjoin(followers, followers.c.key == models.User.id)
        .outerjoin(following, following.c.key == models.User.id)
        .where(among(models.User.id, user_ids))
    )


def tag_numbers(tag_ids: Ids = None) -> Numbers:
    """The columns of `tag_stats`."""
    posts = (
        select(models.PostTag.tag_id.label("key"), func.count().label("n"))
        .join(models.Post, models.Post.id == models.PostTag.post_id)
        .where(among(models.PostTag.tag_id, tag_ids), post_counts())
        .group_by(models.PostTag.tag_id)
        .subquery()
    )
    followers = tally(models.TagFollow.tag_id, tag_ids)
    return (
        select(
            models.Tag.id.label("tag_id"),
            or_zero(posts.c.n).label("post_count"),
            or_zero(followers.c.n).label("follower_count"),
        )
        .outerjoin(posts, posts.c.key == models.Tag.id)
        .outerjoin(followers, followers.c.key == models.Tag.id)
        .where(among(models.Tag.id, tag_ids))
    )


def hot_key(
    likes: SQLColumnExpression[int],
    commenters: SQLColumnExpression[int],
    bookmarks: SQLColumnExpression[int],
    published_at: SQLColumnExpression[datetime],
) -> ColumnElement[float]:
    """log2(1 + likes + 2 commenters + 3 bookmarks) + seconds since 1970 / 21600: it never changes as time passes."""
    reactions = func.ln(cast(1 + likes + 2 * commenters + 3 * bookmarks, Float(53)), type_=Float(53)) / log(2)
    return reactions + cast(extract("epoch", published_at), Float(53)) / float(HOT_DOUBLING_S)


def search_document(
    title: SQLColumnExpression[str], tag_names: SQLColumnExpression[str], body: SQLColumnExpression[str]
) -> ColumnElement[str]:
    """The words of a post, unstemmed: those of the title weigh most (A), then its tags (B), then its text (C)."""
    return weighted(title, "A").op("||")(weighted(tag_names, "B")).op("||")(weighted(body, "C"))


def weighted(words: SQLColumnExpression[str], weight: str) -> ColumnElement[Any]:
    document = func.to_tsvector(literal_column("'simple'::regconfig"), func.coalesce(words, ""))
    return func.setweight(document, literal_column(f"'{weight}'::\"char\""))


def post_counts() -> ColumnElement[bool]:
    return and_(models.Post.deleted_at.is_(None), models.Post.status == "published")


def comment_counts() -> ColumnElement[bool]:
    return models.Comment.deleted_at.is_(None)


def posts_of_authors(user_ids: Ids) -> Subquery:
    """(author, posts, their likes, their views, newest publication), for authors with a post that counts."""
    # Posts that do not count have no index by author.
    counted = select(models.Post.id).where(among(models.Post.author_id, user_ids), post_counts())
    written = None if user_ids is None else counted
    likes = tally(models.PostLike.post_id, written)
    return (
        select(
            models.Post.author_id.label("key"),
            func.count().label("n"),
            cast(func.coalesce(func.sum(likes.c.n), 0), BigInteger).label("likes"),
            cast(func.coalesce(func.sum(models.PostStats.view_count), 0), BigInteger).label("views"),
            func.max(models.Post.published_at).label("last_at"),
        )
        .outerjoin(likes, likes.c.key == models.Post.id)
        .outerjoin(models.PostStats, models.PostStats.post_id == models.Post.id)
        .where(among(models.Post.author_id, user_ids), post_counts())
        .group_by(models.Post.author_id)
        .subquery()
    )


def descendants(comment_ids: Ids) -> Subquery:
    """(comment, comments below it).

    Every step of a path ends with an id, so a comment names all its ancestors and no recursion is needed.
    """
    comment = models.Comment
    threads = None if comment_ids is None else select(comment.post_id).where(among(comment.id, comment_ids))
    step = func.generate_series(1, func.octet_length(comment.path, type_=Integer) // PATH_STEP - 1).label("step")
    steps = select(comment.path, step).where(among(comment.post_id, threads), comment_counts()).subquery()
    above = select(id_in_path(steps.c.path, steps.c.step).label("key")).subquery()
    return select(above.c.key, func.count().label("n")).group_by(above.c.key).subquery()


def id_in_path(path: Column, step: ColumnElement[int]) -> ColumnElement[int]:
    """The id in the last 8 bytes of step 1, 2, …; PostgreSQL casts bytes to a number only from version 18 on."""
    last_half = func.substring(path, PATH_STEP * step - 7, 8)
    return cast(cast(literal_column("'x'").op("||")(func.encode(last_half, "hex")), BIT(64)), BigInteger)


def tally(key: Column, keys: Ids | Select[int], *conditions: ColumnElement[bool]) -> Subquery:
    """(key, how many rows meet the conditions), for keys with at least one."""
    counted = [among(key, keys), *conditions]
    return select(key.label("key"), func.count().label("n")).where(*counted).group_by(key).subquery()


def among(column: Column, ids: Ids | Select[int]) -> ColumnElement[bool]:
    if ids is None:
        return true()
    if isinstance(ids, Select):
        return column.in_(ids)
    if isinstance(ids, ColumnElement):
        return column == any_(ids)
    return column == any_(literal(list(ids), ARRAY(BigInteger)))


def or_zero(count: Column) -> ColumnElement[int]:
    return func.coalesce(count, 0)
