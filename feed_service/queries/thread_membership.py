"""What a thread shows of some comments now, and of all above them, which they may keep there as tombstones."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, and_, bindparam, func, or_, select, true

from feed_service import models
from feed_service.models.comments import PATH_STEP
from feed_service.queries.batches import each_of, ids_parameter, is_any
from feed_service.queries.prepared import Prepared, anybody_like
from feed_service.queries.visibility import comment_listed_for, comment_shown_to
from feed_service.statements import built_once
from feed_service.viewer import Viewer

Rows = Select[*tuple[Any, ...]]

POST_ID = bindparam("post_id", type_=BigInteger)


def with_those_above(viewer: Viewer, post_id: int, comment_ids: Sequence[int]) -> Prepared:
    """(below_id, id, author_id, author_gone_at, is_shown, is_listed): each of the comments and each above it.

    In the order of the thread. `below_id` is which of the comments a row was found for; `author_gone_at` is as in
    `feed_membership.membership`.
    """
    values = {"ids": list(comment_ids), "post_id": post_id, "viewer_id": viewer.user_id}
    return Prepared(_with_those_above(anybody_like(viewer)), values)


@built_once
def _with_those_above(viewer: Viewer) -> Rows:
    named, shown = (models.Comment.__table__.alias(name) for name in ("named", "shown"))
    author = models.User.__table__.alias("author")
    lengths = func.generate_series(PATH_STEP, func.octet_length(named.c.path), PATH_STEP)
    level = lengths.table_valued("length").render_derived(name="level").lateral()
    path = func.substring(named.c.path, 1, level.c.length)
    is_above = and_(shown.c.post_id == named.c.post_id, shown.c.path == path)
    listed, gone_at = comment_listed_for(viewer, shown.c), func.least(author.c.suspended_at, author.c.deleted_at)
    return (
        select(
            named.c.id.label("below_id"),
            shown.c.id,
            shown.c.author_id,
            gone_at.label("author_gone_at"),
            comment_shown_to(viewer, shown.c).label("is_shown"),
            listed.label("is_listed"),
        )
        .select_from(named.join(level, true()).join(shown, is_above).join(author, author.c.id == shown.c.author_id))
        .where(is_any(named.c.id, ids_parameter("ids")), named.c.post_id == POST_ID)
        .order_by(shown.c.path)
    )


def people_of(post_id: int, user_ids: Sequence[int]) -> Prepared:
    """(user_id,): who of these has written the post, or a comment on it that is not deleted."""
    return Prepared(PEOPLE, {"ids": list(user_ids), "post_id": post_id})


def _people() -> Rows:
    people, post, commenter = each_of(ids_parameter("ids")), models.Post, models.PostCommenter
    wrote = select(true()).where(post.id == POST_ID, post.author_id == people.c.parent_id)
    commented = select(true()).where(commenter.post_id == POST_ID, commenter.user_id == people.c.parent_id)
    takes_part = or_(*(one.correlate(people).scalar_subquery() for one in (wrote, commented)))
    return select(people.c.parent_id.label("user_id")).where(takes_part)


PEOPLE = _people()
