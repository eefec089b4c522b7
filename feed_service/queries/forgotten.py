"""What was deleted so long ago that its text is to be forgotten, and has some still."""

from sqlalchemy import ColumnElement, DateTime, Integer, Select, bindparam, literal_column, or_, select

from feed_service import models

BEFORE, LIMIT = bindparam("before", type_=DateTime(timezone=True)), bindparam("limit", type_=Integer)

NOTHING: ColumnElement[str] = literal_column("''")
"""Not a parameter, so that a plan for all of them finds the indexes of what has text."""

post, comment = models.Post, models.Comment


def posts_with_text() -> Select[int]:
    """(id,) of `:limit` posts deleted `:before`, longest ago first; also drafts."""
    has_text = or_(post.title != NOTHING, post.body != NOTHING)
    return _oldest(select(post.id).where(post.deleted_at <= BEFORE, post.deleted_at.is_not(None), has_text), post)


def comments_with_text() -> Select[int]:
    """As `posts_with_text`, of comments."""
    has_text = comment.body != NOTHING
    found = select(comment.id).where(comment.deleted_at <= BEFORE, comment.deleted_at.is_not(None), has_text)
    return _oldest(found, comment)


def _oldest(found: Select[int], model: type[models.Post | models.Comment]) -> Select[int]:
    return found.order_by(model.deleted_at, model.id).limit(LIMIT)
