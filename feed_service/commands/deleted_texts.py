"""What a deleted account has written, made empty piece by piece, with the numbers it moves: see `account_deletion`.

Posts and comments stay as deleted rows, as others have hung theirs on them; nothing of what they said is left.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from feed_service import models
from feed_service.commands import comment_counts, content, standing
from feed_service.commands.deleted_ties import GONE, IDS, LIMIT
from feed_service.commands.standing import NEVER, Standing
from feed_service.commands.transaction import Transaction
from feed_service.transactions import compiled

BATCH = 100
"""A post takes seven statements, a comment three."""

After = Mapping[str, Any] | None
"""Where the piece before has ended, in JSON."""

post, comment, edit = models.Post, models.Comment, models.ContentEdit
ID = bindparam("after_id", type_=BigInteger)
AT = bindparam("after_at", type_=DateTime(timezone=True))

_whole = select(*post.__table__.c, func.now().label("now")).order_by(post.id).with_for_update(key_share=True)
_live = select(post.id).where(post.author_id == GONE, post.deleted_at.is_(None))
LIVE_POSTS = compiled(_whole.where(post.id.in_(_live.order_by(post.published_at.desc(), post.id.desc()).limit(LIMIT))))
_is_deleted = (post.author_id == GONE, post.deleted_at.is_not(None))
DELETED_POSTS = compiled(_whole.where(*_is_deleted, or_(post.title != "", post.body != ""), post.id > ID).limit(LIMIT))
# Deleted by its author, whoever has deleted it before: so that no moderator restores it.
EMPTY_POSTS = compiled(
    update(post)
    .where(post.id == any_(IDS))
    .values(title="", body="", slug=literal("deleted-", Text) + cast(post.id, Text), deleted_by_id=GONE)
)
COMMENTS = compiled(
    select(comment.id, comment.post_id, comment.created_at)
    .where(comment.author_id == GONE, or_(comment.deleted_at.is_(None), comment.body != ""))
    .where(tuple_(comment.created_at, comment.id) < tuple_(AT, ID))
    .order_by(comment.created_at.desc(), comment.id.desc())
    .limit(LIMIT)
)
# As whoever deletes a comment does: the post first, so that no restoring of it copies its numbers meanwhile.
POSTS_ABOVE = content.shared(select(post.id).where(post.id == any_(IDS)).order_by(post.id), post)
WHOLE_COMMENTS = compiled(
    select(*comment.__table__.c, post.author_id.label("post_author_id"))
    .join(post, post.id == comment.post_id)
    .where(comment.id == any_(IDS))
    .order_by(comment.id)
    .with_for_update(key_share=True, of=comment)
)
EMPTY_COMMENTS = compiled(
    update(comment)
    .where(comment.id == any_(IDS))
    .values(body="", deleted_at=func.coalesce(comment.deleted_at, func.now()), deleted_by_id=GONE)
)
_edits = select(edit.id).where(edit.editor_id == GONE).limit(LIMIT)
FORGET_EDITS = compiled(delete(edit).where(edit.id.in_(_edits)))


async def comments(tx: Transaction, gone_id: int, after: After) -> tuple[int, After]:
    """(how many, where it has ended), newest first: each is a tombstone while something listed lies below."""
    after_id, after_at = (after["id"], datetime.fromisoformat(after["at"])) if after else (0, NEVER)
    found = await tx.sql.rows(COMMENTS, gone_id=gone_id, after_at=after_at, after_id=after_id, limit=BATCH)
    if not found:
        return 0, None
    ids = [row["id"] for row in found]
    await tx.sql.rows(POSTS_ABOVE, ids=sorted({row["post_id"] for row in found}))
    rows = await tx.sql.rows(WHOLE_COMMENTS, ids=ids)
    await tx.sql.run(EMPTY_COMMENTS, gone_id=gone_id, ids=ids)
    for row in sorted((row for row in rows if row["deleted_at"] is None), key=lambda row: row["post_id"]):
        await comment_counts.vanished(tx, row, "delete")
    return len(found), {"id": found[-1]["id"], "at": found[-1]["created_at"].isoformat()}


async def live_posts(tx: Transaction, gone_id: int) -> int:
    """Drafts and scheduled ones among them."""
    rows = await tx.sql.rows(LIVE_POSTS, gone_id=gone_id, limit=BATCH)
    for row in rows:
        deleted = Standing.of(row)._replace(deleted_at=row["now"], deleted_by_id=gone_id)
        await standing.move(tx, row, deleted, "delete")
    await _empty(tx, gone_id, rows)
    return len(rows)


async def deleted_posts(tx: Transaction, gone_id: int, after: After) -> tuple[int, After]:
    """Those that were deleted before the account was; as `comments`."""
    after_id = after["id"] if after else 0
    rows = await tx.sql.rows(DELETED_POSTS, gone_id=gone_id, after_id=after_id, limit=BATCH)
    await _empty(tx, gone_id, rows)
    return len(rows), {"id": rows[-1]["id"]} if rows else None


async def _empty(tx: Transaction, gone_id: int, rows: Sequence[Any]) -> None:
    await tx.sql.run(EMPTY_POSTS, gone_id=gone_id, ids=[row["id"] for row in rows])


async def edits(tx: Transaction, gone_id: int) -> int:
    """What posts and comments said before; only their author edits them."""
    return await tx.sql.run(FORGET_EDITS, gone_id=gone_id, limit=BATCH)
