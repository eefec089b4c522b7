"""The rows of the narrow tables that lists are ordered and searched by: copies of the numbers and words of posts.

Columns are named as in the table that they fill; ids or None (all) say for which rows.
"""

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from feed_service import models
from feed_service.queries import stats
from feed_service.queries.stats import Ids, Numbers, among


def post_ranks(post_ids: Ids = None) -> Numbers:
    """`post_rank` from the stored numbers: posts that are, or by the clock will be, published.

    A scheduled post has its row beforehand, so that it is in every list the moment it falls due.
    """
    post, numbers = models.Post, models.PostStats
    hot = stats.hot_key(numbers.like_count, numbers.commenter_count, numbers.bookmark_count, post.published_at)
    return (
        select(
            post.id.label("post_id"),
            post.author_id,
            hot.label("hot_key"),
            numbers.like_count,
            numbers.comment_count,
            func.greatest(post.published_at, numbers.last_comment_at).label("last_activity_at"),
        )
        .join(numbers, numbers.post_id == post.id)
        .where(among(post.id, post_ids), post.status != "draft", post.deleted_at.is_(None))
    )


def comment_ranks(comment_ids: Ids = None) -> Numbers:
    """`comment_rank` from the stored numbers."""
    comment, numbers = models.Comment, models.CommentStats
    return (
        select(comment.id.label("comment_id"), comment.post_id, comment.parent_id, numbers.like_count)
        .join(numbers, numbers.comment_id == comment.id)
        .where(among(comment.id, comment_ids))
    )


def post_documents(post_ids: Ids = None) -> Numbers:
    """`post_search`: posts that are, or by the clock will be, published. Who may see one is judged when it is found."""
    post = models.Post
    tags = (
        select(
            models.PostTag.post_id,
            func.string_agg(models.Tag.name, aggregate_order_by(literal(" "), models.Tag.id)).label("names"),
        )
        .join(models.Tag, models.Tag.id == models.PostTag.tag_id)
        .where(among(models.PostTag.post_id, post_ids))
        .group_by(models.PostTag.post_id)
        .subquery()
    )
    document = stats.search_document(post.title, tags.c.names, post.body)
    return (
        select(post.id.label("post_id"), post.published_at, post.author_id, document.label("document"))
        .outerjoin(tags, tags.c.post_id == post.id)
        .where(among(post.id, post_ids), post.status != "draft", post.deleted_at.is_(None))
    )


def tags_of_posts(post_ids: Ids = None) -> Numbers:
    """`post_tags` with what it repeats of its posts."""
    return (
        select(
            models.PostTag.post_id,
            models.PostTag.tag_id,
            models.Post.author_id,
            models.Post.published_at,
            models.Post.deleted_at.is_not(None).label("is_deleted"),
        )
        .join(models.Post, models.Post.id == models.PostTag.post_id)
        .where(among(models.PostTag.post_id, post_ids))
    )
