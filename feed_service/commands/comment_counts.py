"""The numbers that move when a comment appears or vanishes, and what the change log tells of it.

A reply counts for all its ancestors, tombstones or not, so these numbers do not depend on the order of deletions.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, update
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands.content import POST_ID
from feed_service.commands.transaction import Change, Transaction
from feed_service.models.threads import ancestors
from feed_service.transactions import compiled

Row = Mapping[str, Any]
"""id, post_id, author_id and path of a comment, and the post_author_id."""

commenter = models.PostCommenter
USER_ID = bindparam("user_id", type_=BigInteger)

_first = insert(commenter).values(post_id=POST_ID, user_id=USER_ID, n=1)
ONE_MORE = compiled(
    _first.on_conflict_do_update(
        index_elements=[commenter.post_id, commenter.user_id], set_={"n": commenter.n + 1}
    ).returning(commenter.n)
)
_theirs = (commenter.post_id == POST_ID, commenter.user_id == USER_ID)
ONE_LESS = compiled(update(commenter).where(*_theirs).values(n=commenter.n - 1).returning(commenter.n))
NONE_LEFT = compiled(delete(commenter).where(*_theirs))


async def appeared(tx: Transaction, comment: Row, action: str) -> None:
    """By being written (`create`) or brought back (`restore`)."""
    n = await tx.sql.value(ONE_MORE, post_id=comment["post_id"], user_id=comment["author_id"])
    _count(tx, comment, +1, is_other_commenter=n == 1)
    tx.changed(change(comment, action, was_listed=False, is_listed=True))


async def vanished(tx: Transaction, comment: Row, action: str) -> None:
    """By being deleted. Somebody without a comment left is no commenter, and has no row."""
    theirs = {"post_id": comment["post_id"], "user_id": comment["author_id"]}
    n = await tx.sql.value(ONE_LESS, **theirs)
    if n == 0:
        await tx.sql.run(NONE_LEFT, **theirs)
    _count(tx, comment, -1, is_other_commenter=n == 0)
    tx.changed(change(comment, action, was_listed=True, is_listed=False))


def change(comment: Row, action: str, *, was_listed: bool, is_listed: bool) -> Change:
    """Comments concern the followers of the post's author, in whose feeds the post stands with its numbers."""
    author_id, post_id = comment["post_author_id"], comment["post_id"]
    return Change("comment", action, comment["id"], author_id, post_id, was_listed, is_listed)


def _count(tx: Transaction, comment: Row, number: int, *, is_other_commenter: bool) -> None:
    above = ancestors(comment["path"])
    for comment_id in above:
        tx.count(models.CommentStats, comment_id, descendant_count=number)
    for parent_id in above[-1:]:
        tx.count(models.CommentStats, parent_id, reply_count=number)
    commenters = number if is_other_commenter else 0
    tx.count(models.PostStats, comment["post_id"], comment_count=number, commenter_count=commenters)
    tx.count(models.UserStats, comment["author_id"], comment_count=number)
