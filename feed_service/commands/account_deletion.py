"""The end of an account: hidden at once, and made empty by a job, step by step, however often it is interrupted.

The steps are gone through twice. A request that was let in just before may still write afterwards; when the second
round begins, nothing of the account can be under way any more. See docs/decisions/0012.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, func, null, select, update

from feed_service import models
from feed_service.commands import audit, deleted_texts, deleted_ties, jobs, people, sessions
from feed_service.commands.audit import AuditEvent
from feed_service.commands.deleted_ties import GONE
from feed_service.commands.jobs import Job, Progress
from feed_service.commands.permissions import signed_in
from feed_service.commands.transaction import Change, Transaction
from feed_service.errors import NotFound, Unauthenticated
from feed_service.transactions import compiled

JOB = "delete account"
ROUNDS = 2

SETTLED = timedelta(minutes=1)
"""When a request that had begun before has ended for certain: a transaction may take 5 seconds for each statement."""

user = models.User
NAME = bindparam("name", type_=Text)

_live = select(user.id, user.suspended_at).where(user.deleted_at.is_(None))
LOCKED = compiled(_live.where(user.id == GONE).with_for_update(key_share=True))
NAMED = compiled(_live.where(func.lower(user.username) == NAME))
HIDE = compiled(update(user).where(user.id == GONE).values(deleted_at=func.now()))

USERNAME = compiled(select(user.username).where(user.id == GONE).with_for_update(key_share=True))
TAKEN = compiled(
    select(func.lower(user.username)).where(func.lower(user.username) == any_(bindparam("names", type_=ARRAY(Text))))
)
EMPTY_PROFILE = compiled(
    update(user)
    .where(user.id == GONE)
    .values(username=NAME, display_name=NAME, bio=null(), avatar_url=null(), role="user")
)
FORGET_ACCESS = [
    compiled(delete(model).where(model.user_id == GONE))
    for model in (models.MailedToken, models.Account, models.IdempotencyKey)
]


async def delete_account(tx: Transaction) -> int:
    """Delete the viewer's own account. The id of the job. Raises Unauthenticated if it is gone already."""
    job_id = await _begin(tx, signed_in(tx.viewer))
    if job_id is None:
        raise Unauthenticated("The user of this token is gone.")
    return job_id


async def delete_named(tx: Transaction, username: str) -> int:
    """As `delete_account`, by the operator. Raises NotFound."""
    gone_id = await tx.sql.value(NAMED, name=username.lower())
    job_id = None if gone_id is None else await _begin(tx, gone_id)
    if job_id is None:
        raise NotFound(f"There is no user named {username}.")
    return job_id


async def _begin(tx: Transaction, gone_id: int) -> int | None:
    """The id of the job, or None if somebody was faster. Followers wait at the gate: see `people`."""
    await tx.sql.row(people.SHUT, gates=[gone_id % people.GATES])
    found = await tx.sql.row(LOCKED, gone_id=gone_id)
    if found is None:
        return None
    was_listed = found["suspended_at"] is None
    await tx.sql.run(HIDE, gone_id=gone_id)
    await sessions.end_all_but(tx, gone_id, None)
    tx.changed(Change("user", "delete", gone_id, author_id=gone_id, was_listed=was_listed, is_listed=False))
    tx.audited(AuditEvent("account.delete", "user", gone_id))
    return await jobs.create(tx, JOB, {"user_id": gone_id})


After = Mapping[str, Any] | None
Piece = Callable[[Transaction, int, After], Awaitable[tuple[int, After]]]
"""Does some of a step: (how many rows, where it has ended). The step is over when there was none."""


async def access(tx: Transaction, gone_id: int) -> int:
    """What the account could be entered by. Who it was at another provider stays, so that it does not come back."""
    gone = await sessions.end_all_but(tx, gone_id, None)
    for statement in FORGET_ACCESS:
        gone += await tx.sql.run(statement, gone_id=gone_id)
    return gone


async def profile(tx: Transaction, gone_id: int) -> int:
    """The name is free for others from then on."""
    name = f"deleted_{gone_id}"
    current = await tx.sql.value(USERNAME, gone_id=gone_id)
    if current == name or current.startswith(f"{name}_"):
        return 0
    if await tx.sql.value(TAKEN, names=[name]) is not None:
        name = f"{name}_{secrets.token_hex(4)}"
    await tx.sql.run(EMPTY_PROFILE, gone_id=gone_id, name=name)
    tx.changed(Change("user", "update", gone_id, author_id=gone_id, was_listed=False, is_listed=False))
    return 1


def some(piece: Callable[[Transaction, int], Awaitable[int]]) -> Piece:
    """A piece that finds by itself what is left."""

    async def done(tx: Transaction, gone_id: int, _after: After) -> tuple[int, After]:
        return await piece(tx, gone_id), None

    return done


STEPS: Mapping[str, Piece] = {
    "access": some(access),
    "profile": some(profile),
    "post likes": some(deleted_ties.post_likes),
    "comment likes": some(deleted_ties.comment_likes),
    "bookmarks": some(deleted_ties.bookmarks),
    "collections": some(deleted_ties.collections),
    "following": some(deleted_ties.following),
    "followers": some(deleted_ties.followers),
    "tag follows": some(deleted_ties.tag_follows),
    "blocks": some(deleted_ties.blocks),
    "mutes": some(deleted_ties.mutes),
    "views": some(deleted_ties.views),
    "comments": deleted_texts.comments,
    "posts": some(deleted_texts.live_posts),
    "deleted posts": deleted_texts.deleted_posts,
    "edits": some(deleted_texts.edits),
}
ORDER = list(STEPS)


async def step(tx: Transaction, job: Job) -> Progress:
    """The job: pieces of the steps in their order, twice, and then the key of what the audit trail keeps of them."""
    gone_id, name = job.task["user_id"], job.step or ORDER[0]
    number, gone = job.progress.get("round", 1), dict(job.progress.get("gone", {}))
    found, after = await STEPS[name](tx, gone_id, job.progress.get("after"))
    if found:
        gone[name] = gone.get(name, 0) + found
        return Progress(name, {"round": number, "gone": gone, "after": after})
    if name != ORDER[-1]:
        return Progress(ORDER[ORDER.index(name) + 1], {"round": number, "gone": gone})
    await audit.shred(tx.sql, gone_id)
    if number < ROUNDS:
        return Progress(ORDER[0], {"round": number + 1, "gone": gone}, wait=SETTLED)
    tx.audited(AuditEvent("account.deleted", "user", gone_id, {"gone": gone}))
    return Progress(None, {"round": number, "gone": gone})
