"""Who may see what: `listed` for every list and number, `accessible` for one named thing.

A predicate on an author is a scalar subquery or a hashed list, never a join: PostgreSQL then evaluates it for the few
rows that a page reads, and cannot turn it into a scan of all users.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, false, func, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute

from feed_service import models
from feed_service.queries.paths import subtree_end
from feed_service.viewer import Viewer

Id = ColumnElement[int] | InstrumentedAttribute[int]


def id_of(viewer: Viewer) -> ColumnElement[int]:
    """A parameter named `viewer_id`, so that a statement can be built once and run for everybody."""
    return bindparam("viewer_id", viewer.user_id, BigInteger)


def is_live(user: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the class, or the columns of an alias of its table.
    """Neither suspended nor deleted."""
    return and_(user.suspended_at.is_(None), user.deleted_at.is_(None))


def user_is_live(user_id: Id) -> ColumnElement[bool]:
    user = models.User.__table__.alias()
    return select(is_live(user.c)).where(user.c.id == user_id).correlate_except(user).scalar_subquery()


def blocked_between(viewer: Viewer) -> Select[int]:
    """The users who block the viewer or whom the viewer blocks."""
    me = id_of(viewer)
    both = union_all(
        select(models.Block.blocked_id.label("user_id")).where(models.Block.blocker_id == me),
        select(models.Block.blocker_id).where(models.Block.blocked_id == me),
    ).subquery()
    return select(both.c.user_id)


def muted_by(viewer: Viewer) -> Select[int]:
    return select(models.Mute.muted_id).where(models.Mute.muter_id == id_of(viewer))


def not_blocked_for(viewer: Viewer, user_id: Id) -> ColumnElement[bool]:
    return true() if viewer.is_anonymous else user_id.not_in(blocked_between(viewer))


def not_muted_for(viewer: Viewer, user_id: Id) -> ColumnElement[bool]:
    """For feeds only: a mute hides an author there and nowhere else."""
    return true() if viewer.is_anonymous else user_id.not_in(muted_by(viewer))


def not_hidden_for(viewer: Viewer, user_id: Id) -> ColumnElement[bool]:
    """Neither blocked nor muted, for feeds: one list to hash instead of two."""
    hidden = union_all(blocked_between(viewer), muted_by(viewer)).subquery()
    return true() if viewer.is_anonymous else user_id.not_in(select(hidden.c.user_id))


def user_listed_for(viewer: Viewer, user_id: Id, user: Any = None) -> ColumnElement[bool]:  # noqa: ANN401 - as for `is_live`.
    """Live people without a block between them and the viewer. No role widens it.

    `user`: where the statement reads that very row anyway, which is then not looked up once more.
    """
    return and_(user_is_live(user_id) if user is None else is_live(user), not_blocked_for(viewer, user_id))


def user_accessible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Live people, also behind a block, which a viewer must be able to see and lift; anyone for a moderator."""
    return true() if viewer.is_moderator else is_live(models.User)


def post_is_live(post: type[models.Post] = models.Post) -> ColumnElement[bool]:
    """Published by now and not deleted; a scheduled post becomes live by the clock."""
    return and_(post.deleted_at.is_(None), post.published_at <= func.now())


def post_listed_for(
    viewer: Viewer,
    post: type[models.Post] = models.Post,
    author: Any = None,  # noqa: ANN401 - as in `user_listed_for`.
) -> ColumnElement[bool]:
    """Live posts of live authors without a block between author and viewer. No role widens it."""
    return and_(post_is_live(post), user_listed_for(viewer, post.author_id, author))


def post_listed_once_due_for(viewer: Viewer, post: type[models.Post] = models.Post) -> ColumnElement[bool]:
    """`post_listed_for` without the clock, for lists whose `Sort` is clocked."""
    return and_(post.deleted_at.is_(None), user_listed_for(viewer, post.author_id))


def post_accessible_to(
    viewer: Viewer,
    post: type[models.Post] = models.Post,
    author: Any = None,  # noqa: ANN401 - as in `user_listed_for`.
) -> ColumnElement[bool]:
    """What is listed, the viewer's own drafts, and all but foreign drafts for a moderator."""
    if viewer.is_anonymous:
        return post_listed_for(viewer, post, author)
    own = and_(post.author_id == id_of(viewer), post.deleted_at.is_(None))
    moderated = post.published_at <= func.now() if viewer.is_moderator else false()
    return or_(post_listed_for(viewer, post, author), own, moderated)


def comment_listed_for(viewer: Viewer, comment: Any = models.Comment, author: Any = None) -> ColumnElement[bool]:  # noqa: ANN401 - the class or an alias of it, and as in `user_listed_for`.
    """Live comments of live authors without a block between author and viewer. Their post is checked apart."""
    return and_(comment.deleted_at.is_(None), user_listed_for(viewer, comment.author_id, author))


def has_listed_descendant(viewer: Viewer, comment: Any = models.Comment) -> ColumnElement[bool]:  # noqa: ANN401
    """Whether a listed comment lies below. The stored count answers at once for a subtree without any."""
    below = models.Comment.__table__.alias().c
    count = models.CommentStats.__table__.alias().c
    counted = (
        select(count.descendant_count > 0)
        .where(count.comment_id == comment.id)
        .correlate_except(count.comment_id.table)
        .scalar_subquery()
    )
    exists = (
        select(below.id)
        .where(
            below.post_id == comment.post_id,
            below.path > comment.path,
            below.path < subtree_end(comment.path),
            comment_listed_for(viewer, below),
        )
        .correlate_except(below.id.table)
        .exists()
    )
    return and_(counted, exists)


def comment_shown_to(viewer: Viewer, comment: Any = models.Comment, author: Any = None) -> ColumnElement[bool]:  # noqa: ANN401
    """What a thread shows: listed comments, and tombstones that hold listed ones together."""
    return or_(comment_listed_for(viewer, comment, author), has_listed_descendant(viewer, comment))


def comment_accessible_to(viewer: Viewer, author: Any = None) -> ColumnElement[bool]:  # noqa: ANN401
    """What is listed, and all for a moderator. Their post is checked apart."""
    return true() if viewer.is_moderator else comment_listed_for(viewer, author=author)


def earlier_text_shown_to(viewer: Viewer) -> ColumnElement[bool]:
    """What was there before an edit is the editor's own affair, who may have taken back a secret; and moderators'."""
    if viewer.is_moderator:
        return true()
    return false() if viewer.is_anonymous else models.ContentEdit.editor_id == id_of(viewer)
