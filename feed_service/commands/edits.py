"""Keeps what a post or a comment said before an edit."""

from sqlalchemy import BigInteger, Text, bindparam, func, insert

from feed_service import models
from feed_service.commands.permissions import signed_in
from feed_service.commands.transaction import Transaction
from feed_service.transactions import compiled

KEEP = compiled(
    insert(models.ContentEdit).values(
        post_id=bindparam("post_id", type_=BigInteger), comment_id=bindparam("comment_id", type_=BigInteger),
        version=bindparam("version", type_=BigInteger), editor_id=bindparam("editor_id", type_=BigInteger),
        title=bindparam("title", type_=Text), body=bindparam("body", type_=Text), replaced_at=func.now(),
    )
)  # fmt: skip


async def keep_post(tx: Transaction, post_id: int, version: int, title: str, body: str) -> None:
    """`version`, `title` and `body` as they were; the viewer replaces them."""
    await _keep(tx, post_id=post_id, comment_id=None, version=version, title=title, body=body)


async def keep_comment(tx: Transaction, comment_id: int, version: int, body: str) -> None:
    await _keep(tx, post_id=None, comment_id=comment_id, version=version, title=None, body=body)


async def _keep(tx: Transaction, **row: object) -> None:
    await tx.sql.run(KEEP, editor_id=signed_in(tx.viewer), **row)
