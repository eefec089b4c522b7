"""Posts and comments as commands find them: judged as the viewer sees them, and locked until the commit.

A command that relies on the state of a row takes it `FOR SHARE`; one that changes it, `FOR NO KEY UPDATE`. Posts are
locked before comments.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, bindparam, cast, func, select

from feed_service import models
from feed_service.commands.permissions import not_found
from feed_service.commands.transaction import Transaction
from feed_service.queries import visibility
from feed_service.queries.prepared import SOMEBODY
from feed_service.transactions import Statement, compiled

POST_ID = bindparam("post_id", type_=BigInteger)
COMMENT_ID = bindparam("comment_id", type_=BigInteger)

_post = select(
    models.Post.id, models.Post.author_id, models.Post.status, models.Post.published_at, models.Post.deleted_at
).where(models.Post.id == POST_ID)
_comment = select(
    models.Comment.id, models.Comment.post_id, models.Comment.author_id, models.Comment.path, models.Comment.deleted_at
).where(models.Comment.id == COMMENT_ID)


def shared(statement: Select[*tuple[Any, ...]], model: type[models.Base]) -> Statement:
    return compiled(statement.with_for_update(read=True, of=model))


TURNS = 7_305_002
"""First half of the keys of our advisory locks on posts; any number that is ours."""


def in_turn(lock: Any, post_id: ColumnElement[int] = POST_ID) -> ColumnElement[bool]:  # noqa: ANN401 - a function of PostgreSQL.
    """True, once `lock` is granted: those who rely on the post share its turn, whoever changes it has it alone.

    PostgreSQL lets new shared lockers of a row pass whoever waits to change it. While people liked a post without a
    pause, its author could not edit it within 5 s (measured 2026-11-21, nine at once); turns are granted in the order
    of asking. The condition is judged before any row is locked.
    """
    granted = lock(TURNS, cast(post_id % 2**31, Integer)).table_valued("granted")
    return select(func.count()).select_from(granted).scalar_subquery() == 1


_in_turn = in_turn(func.pg_advisory_xact_lock_shared)
ANY_POST = shared(_post.where(_in_turn), models.Post)
LISTED_POST = shared(_post.where(_in_turn, visibility.post_listed_for(SOMEBODY)), models.Post)
ANY_COMMENT = shared(_comment, models.Comment)
LISTED_COMMENT = shared(_comment.where(visibility.comment_listed_for(SOMEBODY)), models.Comment)
POST_OF_COMMENT = compiled(select(models.Comment.post_id).where(models.Comment.id == COMMENT_ID))
_its_post = select(models.Comment.post_id).where(models.Comment.id == COMMENT_ID).scalar_subquery()
POST_ABOVE = shared(
    select(models.Post.author_id, visibility.post_listed_for(SOMEBODY).label("is_listed")).where(
        models.Post.id == _its_post, in_turn(func.pg_advisory_xact_lock_shared, _its_post)
    ),
    models.Post,
)


async def listed_post(tx: Transaction, post_id: int, what: str = "post") -> Any:  # noqa: ANN401 - a record.
    """(id, author_id, status, published_at, deleted_at), shared-locked. Raises Refused for what is not listed."""
    post = await tx.sql.row(LISTED_POST, post_id=post_id, viewer_id=tx.viewer.user_id)
    if post is None:
        raise not_found(what)
    return post


async def post_above(tx: Transaction, comment_id: int) -> Any:  # noqa: ANN401 - a record.
    """(author_id, is_listed) of the post of a comment, shared-locked before the comment is. Raises Refused."""
    post = await tx.sql.row(POST_ABOVE, comment_id=comment_id, viewer_id=tx.viewer.user_id)
    if post is None:
        raise not_found("comment")
    return post


async def listed_comment(tx: Transaction, comment_id: int) -> tuple[Any, Any]:
    """(its post, the comment), both shared-locked and listed. Raises Refused."""
    post_id = await tx.sql.value(POST_OF_COMMENT, comment_id=comment_id)
    if post_id is None:
        raise not_found("comment")
    post = await listed_post(tx, post_id, "comment")
    comment = await tx.sql.row(LISTED_COMMENT, comment_id=comment_id, viewer_id=tx.viewer.user_id)
    if comment is None:
        raise not_found("comment")
    return post, comment


def counts_for_author(post: Any) -> bool:  # noqa: ANN401 - a record.
    """Whether the post, and with it its likes and views, is among its author's numbers: see `stats.post_counts`."""
    return post["status"] == "published" and post["deleted_at"] is None
