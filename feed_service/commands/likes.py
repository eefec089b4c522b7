"""Likes, of posts and of comments: sets, never toggles."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, delete
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import content
from feed_service.commands.content import COMMENT_ID, POST_ID
from feed_service.commands.permissions import signed_in
from feed_service.commands.transaction import Change, Transaction
from feed_service.transactions import compiled

ME = bindparam("me", type_=BigInteger)

_post_like = insert(models.PostLike).values(user_id=ME, post_id=POST_ID)
_comment_like = insert(models.CommentLike).values(user_id=ME, comment_id=COMMENT_ID)
ADD_POST_LIKE = compiled(_post_like.on_conflict_do_nothing())
ADD_COMMENT_LIKE = compiled(_comment_like.on_conflict_do_nothing())
REMOVE_POST_LIKE = compiled(
    delete(models.PostLike).where(models.PostLike.user_id == ME, models.PostLike.post_id == POST_ID)
)
REMOVE_COMMENT_LIKE = compiled(
    delete(models.CommentLike).where(models.CommentLike.user_id == ME, models.CommentLike.comment_id == COMMENT_ID)
)


async def like_post(tx: Transaction, post_id: int) -> None:
    """Raises Refused for a post that is not listed for the viewer."""
    me = signed_in(tx.viewer)
    post = await content.listed_post(tx, post_id)
    if await tx.sql.run(ADD_POST_LIKE, me=me, post_id=post_id):
        post_like_counted(tx, post, +1)


async def unlike_post(tx: Transaction, post_id: int) -> None:
    """A like can also be taken from what cannot be seen any more. Raises Refused if there is neither."""
    me = signed_in(tx.viewer)
    post = await tx.sql.row(content.ANY_POST, post_id=post_id)
    if await tx.sql.run(REMOVE_POST_LIKE, me=me, post_id=post_id):
        post_like_counted(tx, post, -1)
    else:
        await content.listed_post(tx, post_id)


async def like_comment(tx: Transaction, comment_id: int) -> None:
    """Raises Refused for a comment that is not listed for the viewer."""
    me = signed_in(tx.viewer)
    _, comment = await content.listed_comment(tx, comment_id)
    if await tx.sql.run(ADD_COMMENT_LIKE, me=me, comment_id=comment_id):
        comment_like_counted(tx, comment, +1)


async def unlike_comment(tx: Transaction, comment_id: int) -> None:
    """As `unlike_post`."""
    me = signed_in(tx.viewer)
    await content.post_above(tx, comment_id)
    comment = await tx.sql.row(content.ANY_COMMENT, comment_id=comment_id)
    if await tx.sql.run(REMOVE_COMMENT_LIKE, me=me, comment_id=comment_id):
        comment_like_counted(tx, comment, -1)
    else:
        await content.listed_comment(tx, comment_id)


def post_like_counted(tx: Transaction, post: Any, number: int) -> None:  # noqa: ANN401 - a record.
    tx.count(models.PostStats, post["id"], like_count=number)
    if content.counts_for_author(post):
        tx.count(models.UserStats, post["author_id"], received_like_count=number)
    action = "create" if number > 0 else "delete"
    tx.changed(Change("post_like", action, post["id"], author_id=post["author_id"], post_id=post["id"]))


def comment_like_counted(tx: Transaction, comment: Any, number: int) -> None:  # noqa: ANN401 - a record.
    tx.count(models.CommentStats, comment["id"], like_count=number)
    action = "create" if number > 0 else "delete"
    tx.changed(Change("comment_like", action, comment["id"], comment["author_id"], comment["post_id"]))
