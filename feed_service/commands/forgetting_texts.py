"""What was deleted can be brought back for a time; then its text is forgotten: the row stays for what hangs on it.

A title, a body, a slug and what was there before edits; the words that searches find went with the deletion.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Text, any_, cast, delete, literal, update

from feed_service import models
from feed_service.commands.audit import AuditEvent
from feed_service.commands.transaction import Transaction
from feed_service.errors import Refused
from feed_service.queries import forgotten
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import Statement, compiled
from feed_service.vocabulary import UserErrorCode

TEXTS_KEPT = timedelta(days=30)
AT_ONCE = 200

IDS = ids_parameter("ids")

post, comment, edit = models.Post, models.Comment, models.ContentEdit

# Whoever has locked one is about to bring it back, or to do the same: it is found again at the next call.
OLD_POSTS = compiled(forgotten.posts_with_text().with_for_update(key_share=True, skip_locked=True))
OLD_COMMENTS = compiled(forgotten.comments_with_text().with_for_update(key_share=True, skip_locked=True))
EMPTY_POSTS = compiled(
    update(post)
    .where(post.id == any_(IDS))
    .values(title="", body="", slug=literal("deleted-", Text) + cast(post.id, Text))
)
EMPTY_COMMENTS = compiled(update(comment).where(comment.id == any_(IDS)).values(body=""))
FORGET_POST_EDITS = compiled(delete(edit).where(edit.post_id == any_(IDS)))
FORGET_COMMENT_EDITS = compiled(delete(edit).where(edit.comment_id == any_(IDS)))


def is_kept(deleted_at: datetime, now: datetime) -> bool:
    """Whether what was deleted then can be brought back, whether or not its text is there still."""
    return deleted_at > now - TEXTS_KEPT


def kept(deleted_at: datetime, now: datetime, what: str) -> None:
    """Raises Refused: it was deleted too long ago."""
    if not is_kept(deleted_at, now):
        message = f"This {what} was deleted more than {TEXTS_KEPT.days} days ago: its text is not kept any longer."
        raise Refused(UserErrorCode.TOO_LATE, message)


async def forget_posts(tx: Transaction) -> int:
    """How many lost their text; while there are any, there may be more."""
    return await _forget(tx, "post", OLD_POSTS, (EMPTY_POSTS, FORGET_POST_EDITS))


async def forget_comments(tx: Transaction) -> int:
    """As `forget_posts`."""
    return await _forget(tx, "comment", OLD_COMMENTS, (EMPTY_COMMENTS, FORGET_COMMENT_EDITS))


async def _forget(tx: Transaction, kind: str, old: Statement, emptying: Sequence[Statement]) -> int:
    before = datetime.now(UTC) - TEXTS_KEPT
    ids = [row["id"] for row in await tx.sql.rows(old, before=before, limit=AT_ONCE)]
    if ids:
        for statement in emptying:
            await tx.sql.run(statement, ids=ids)
        facts: dict[str, Any] = {"ids": ids, "deleted_before": before.isoformat()}
        tx.audited(AuditEvent(f"{kind}.forget_texts", kind, None, facts))
    return len(ids)
