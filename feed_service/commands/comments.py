"""What people say under posts: comments are made, edited, taken away and brought back."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, DateTime, LargeBinary, Text, bindparam, func, insert, literal, null, select, update

from feed_service import models
from feed_service.commands import comment_counts, content, edits, forgetting_texts, texts
from feed_service.commands.audit import AuditEvent
from feed_service.commands.content import COMMENT_ID, POST_ID
from feed_service.commands.permissions import author_or_moderator, not_found, only_author, signed_in
from feed_service.commands.transaction import Transaction, not_repeatable
from feed_service.errors import Refused, VersionConflict
from feed_service.models.threads import microseconds, placed
from feed_service.queries import visibility
from feed_service.queries.prepared import SOMEBODY
from feed_service.transactions import compiled
from feed_service.vocabulary import UserErrorCode

comment = models.Comment
ME = bindparam("me", type_=BigInteger)

NEXT = compiled(select(func.nextval("comments_id_seq", type_=BigInteger).label("id"), func.now().label("at")))
_said = (
    insert(comment)
    .values(
        id=COMMENT_ID,
        post_id=POST_ID,
        author_id=ME,
        parent_id=bindparam("parent_id", type_=BigInteger),
        reply_to_id=bindparam("reply_to_id", type_=BigInteger),
        path=bindparam("path", type_=LargeBinary),
        body=bindparam("body", type_=Text),
        created_at=bindparam("at", type_=DateTime(timezone=True)),
    )
    .returning(comment.id, comment.post_id, comment.parent_id)
    .cte("said")
)
_counted = insert(models.CommentStats).from_select(["comment_id"], select(_said.c.id)).cte("counted")
SAY = compiled(
    insert(models.CommentRank)
    .from_select(["comment_id", "post_id", "parent_id", "like_count"], select(*_said.c, literal(0, BigInteger)))
    .add_cte(_counted)
)

FOUND = compiled(
    select(
        *(comment.id, comment.post_id, comment.author_id, comment.path, comment.body, comment.version),
        *(comment.deleted_at, comment.deleted_by_id, func.now().label("now")),
        visibility.comment_listed_for(SOMEBODY).label("is_listed"),
    )
    .where(comment.id == COMMENT_ID)
    .with_for_update(key_share=True)
)
EDIT = compiled(
    update(comment)
    .where(comment.id == COMMENT_ID)
    .values(body=bindparam("body", type_=Text), version=comment.version + 1, edited_at=func.now())
)
DELETE = compiled(
    update(comment)
    .where(comment.id == COMMENT_ID)
    .values(deleted_at=func.coalesce(comment.deleted_at, func.now()), deleted_by_id=ME)
)
RESTORE = compiled(update(comment).where(comment.id == COMMENT_ID).values(deleted_at=null(), deleted_by_id=null()))


@not_repeatable
async def create_comment(tx: Transaction, post_id: int, parent_id: int | None, body: str) -> int:
    """The id of the new comment.

    Raises Refused: the post, or the comment to answer, is not listed for the viewer, or the text breaks a rule.
    """
    me, body = signed_in(tx.viewer), texts.comment(body)
    post = await content.listed_post(tx, post_id)
    answered = None if parent_id is None else await _answered(tx, post_id, parent_id)
    comment_id, at = await tx.sql.row(NEXT)
    parent, reply_to, path = placed(answered, microseconds(at), comment_id)
    said = {"post_id": post_id, "parent_id": parent, "reply_to_id": reply_to, "path": path, "body": body, "at": at}
    await tx.sql.run(SAY, me=me, comment_id=comment_id, **said)
    new = {"id": comment_id, "post_id": post_id, "author_id": me, "path": path, "post_author_id": post["author_id"]}
    await comment_counts.appeared(tx, new, "create")
    _audit(tx, new, "create", {"after": {"parent_id": parent}}, {"after": {"body": body}})
    return int(comment_id)


async def update_comment(tx: Transaction, comment_id: int, body: str, expected_version: int | None = None) -> int:
    """Change the viewer's own comment; what it said before is kept. The same text is no change.

    Raises:
        Refused: it is not the viewer's, or not listed, or the text breaks a rule.
        VersionConflict: it has not the version that the change expects.
    """
    signed_in(tx.viewer)
    found, body = await _found(tx, comment_id), texts.comment(body)
    if not found["is_seen"]:
        raise not_found("comment")
    only_author(tx.viewer, found["author_id"], "comment")
    if expected_version not in {None, found["version"]}:
        raise VersionConflict("The comment has been edited since the version you expect.", found["version"])
    if body != found["body"]:
        await edits.keep_comment(tx, comment_id, found["version"], found["body"])
        await tx.sql.run(EDIT, comment_id=comment_id, body=body)
        tx.changed(comment_counts.change(found, "update", was_listed=True, is_listed=True))
        facts, private = {"version": found["version"] + 1}, {"before": {"body": found["body"]}, "after": {"body": body}}
        _audit(tx, found, "update", facts, private)
    return comment_id


@not_repeatable
async def update_version(tx: Transaction, comment_id: int, body: str, expected_version: int) -> int:
    """`update_comment` for a change that expects a version: once it is stored, it would conflict with itself."""
    return await update_comment(tx, comment_id, body, expected_version)


async def delete_comment(tx: Transaction, comment_id: int) -> int:
    """Hide a comment. A thread shows a tombstone in its place while something listed lies below.

    What a moderator deletes stays deleted, also if its author has deleted it before. Raises Refused for whoever is
    neither its author nor a moderator.
    """
    me, found = signed_in(tx.viewer), await _found(tx, comment_id)
    author_or_moderator(tx.viewer, found["author_id"], "comment")
    is_taken_over = found["deleted_by_id"] == found["author_id"] != me
    if found["deleted_at"] is None or is_taken_over:
        await tx.sql.run(DELETE, comment_id=comment_id, me=me)
        _audit(tx, found, "delete", standing(found["deleted_by_id"], me))
    if found["deleted_at"] is None:
        await comment_counts.vanished(tx, found, "delete")
    return comment_id


async def restore_comment(tx: Transaction, comment_id: int) -> int:
    """Bring back what was deleted: its author what they deleted themselves, a moderator what others did.

    Raises Refused: the viewer may not, it was too long ago, or the post is not listed for them.
    """
    me, found = signed_in(tx.viewer), await _found(tx, comment_id)
    author_or_moderator(tx.viewer, found["author_id"], "comment")
    if not found["is_post_listed"]:
        raise not_found("comment")
    if found["deleted_at"] is not None:
        if (found["deleted_by_id"] == found["author_id"]) != (me == found["author_id"]):
            raise Refused(UserErrorCode.FORBIDDEN, "This comment was deleted by somebody else.")
        forgetting_texts.kept(found["deleted_at"], found["now"], "comment")
        await tx.sql.run(RESTORE, comment_id=comment_id)
        await comment_counts.appeared(tx, found, "restore")
        _audit(tx, found, "restore", standing(found["deleted_by_id"], None))
    return comment_id


async def _answered(tx: Transaction, post_id: int, parent_id: int) -> bytes:
    """The path of the comment to answer, locked."""
    parent = await tx.sql.row(content.LISTED_COMMENT, comment_id=parent_id, viewer_id=tx.viewer.user_id)
    if parent is None or parent["post_id"] != post_id:
        raise Refused(UserErrorCode.NOT_FOUND, "There is no such comment under this post.", ("parentId",))
    return bytes(parent["path"])


async def _found(tx: Transaction, comment_id: int) -> dict[str, Any]:
    """The comment, also one that only its author and moderators know of; its post and it are locked.

    The post is, so that nobody deletes or restores it while the numbers of its comments move.
    """
    post = await content.post_above(tx, comment_id)
    row = await tx.sql.row(FOUND, comment_id=comment_id, viewer_id=tx.viewer.user_id)
    is_seen = post["is_listed"] and row["is_listed"]
    if not is_seen and row["author_id"] != tx.viewer.user_id and not tx.viewer.is_moderator:
        raise not_found("comment")
    of_post = {"post_author_id": post["author_id"], "is_post_listed": post["is_listed"]}
    return dict(row) | of_post | {"is_seen": is_seen}


def standing(before: int | None, after: int | None) -> dict[str, Any]:
    """For the audit trail: who had it deleted, and who has now."""
    return {"before": {"deleted_by_id": before}, "after": {"deleted_by_id": after}}


def _audit(
    tx: Transaction, row: Mapping[str, Any], verb: str, facts: dict[str, Any], private: dict[str, Any] | None = None
) -> None:
    facts = {"post_id": row["post_id"]} | facts
    owner_id = row["author_id"] if private else None
    tx.audited(AuditEvent(f"comment.{verb}", "comment", row["id"], facts, owner_id=owner_id, private=private))
