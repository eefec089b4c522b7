"""Bulks on their way in: kept chunk by chunk, so that no crash loses a line, and begun when all have arrived."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from feed_service import models
from feed_service.commands import jobs
from feed_service.commands.audit import AuditEvent
from feed_service.commands.bulk.cutting import Chunk
from feed_service.commands.bulk.kinds import CHUNK_POSTS, DELETE, RESTORE
from feed_service.commands.transaction import Transaction, not_repeatable
from feed_service.errors import BadUserInput, InProgress, NotFound, RateLimited
from feed_service.queries import bulk as queries
from feed_service.transactions import compiled

JOB = "bulk"

MOST_UNFINISHED = 20
"""Bulks of one admin that are not at their end."""

KEPT = timedelta(days=7)
"""How long lines and outcomes are kept."""

FORGOTTEN_CHUNKS, FORGOTTEN_EFFECTS = 20, 5_000
"""That one call forgets at most."""

bulk, chunk, effect, deletion = models.Bulk, models.BulkChunk, models.BulkEffect, models.BulkDeletion
BULK_ID = queries.BULK_ID

BEGIN = compiled(
    insert(bulk)
    .values(
        kind=bindparam("kind", type_=Text), is_dry_run=bindparam("is_dry_run", type_=Boolean),
        created_by_id=queries.USER_ID,
    )
    .returning(bulk.id)
)  # fmt: skip
UNFINISHED = compiled(queries.unfinished_of())
UNDER_KEY = compiled(queries.under_key())
ALONE = compiled(
    select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key", type_=Text), queries.USER_ID)))
)
WITH_ID = compiled(queries.with_id())
ADD_CHUNK = compiled(insert(chunk))
SUBMIT = compiled(
    update(bulk)
    .where(bulk.id == BULK_ID)
    .values(
        job_id=bindparam("job", type_=BigInteger), idempotency_key=bindparam("key", type_=Text),
        request_hash=bindparam("request_hash", type_=LargeBinary), byte_count=bindparam("size", type_=BigInteger),
        line_count=bindparam("lines", type_=BigInteger), chunk_count=bindparam("chunks", type_=BigInteger),
    )
)  # fmt: skip
CANCEL = compiled(
    update(bulk)
    .where(bulk.id == BULK_ID, bulk.finished_at.is_(None))
    .values(cancelled_at=func.coalesce(bulk.cancelled_at, func.now()))
)
DROP = compiled(delete(bulk).where(bulk.id == BULK_ID, bulk.job_id.is_(None)))
DELETED_BY = compiled(
    select(deletion.post_id)
    .where(deletion.bulk_id == BULK_ID, deletion.post_id > bindparam("after", type_=BigInteger))
    .order_by(deletion.post_id)
    .limit(bindparam("limit", type_=Integer))
)
FORGETTABLE = compiled(queries.forgettable())
_chunks = select(chunk.number).where(chunk.bulk_id == BULK_ID).order_by(chunk.number).limit(FORGOTTEN_CHUNKS)
FORGET_CHUNKS = compiled(delete(chunk).where(chunk.bulk_id == BULK_ID, chunk.number.in_(_chunks)))
_effects = select(effect.subject).where(effect.bulk_id == BULK_ID).order_by(effect.subject).limit(FORGOTTEN_EFFECTS)
FORGET_EFFECTS = compiled(delete(effect).where(effect.bulk_id == BULK_ID, effect.subject.in_(_effects)))
FORGET = compiled(
    update(bulk)
    .where(bulk.id == BULK_ID)
    .values(forgotten_at=func.now(), finished_at=func.coalesce(bulk.finished_at, func.now()))
)


@dataclass(frozen=True)
class Arrived:
    """How much has come, and the hash of what was asked for, lines included."""

    size: int
    lines: int
    chunks: int
    request_hash: bytes = b""


@not_repeatable
async def begin(tx: Transaction, kind: str, *, is_dry_run: bool) -> int:
    """The id of a bulk to which chunks can be added. Raises RateLimited."""
    me = tx.viewer.user_id
    if me is not None and await tx.sql.value(UNFINISHED, user_id=me) >= MOST_UNFINISHED:
        raise RateLimited(f"You have {MOST_UNFINISHED} bulks that are not done yet.")
    bulk_id: int = await tx.sql.value(BEGIN, kind=kind, is_dry_run=is_dry_run, user_id=me)
    return bulk_id


@not_repeatable
async def add_chunk(tx: Transaction, bulk_id: int, piece: Chunk) -> None:
    await tx.sql.run(ADD_CHUNK, bulk_id=bulk_id, outcomes=None, **piece._asdict())


async def drop(tx: Transaction, bulk_id: int) -> None:
    """Forget a bulk that did not arrive whole."""
    await tx.sql.run(DROP, bulk_id=bulk_id)


@not_repeatable
async def submit(tx: Transaction, bulk_id: int, arrived: Arrived, key: str | None = None) -> int:
    """Begin what has arrived. The id of the same bulk, if it was sent under this key before.

    Raises:
        BadUserInput: something else was sent under this key.
    """
    if key is not None:
        await tx.sql.run(ALONE, key=key, user_id=tx.viewer.user_id)
        before = await tx.sql.row(UNDER_KEY, user_id=tx.viewer.user_id, key=key)
        if before is not None:
            if before["request_hash"] != arrived.request_hash:
                raise BadUserInput("Another bulk was sent under this idempotency key.")
            await tx.sql.run(DROP, bulk_id=bulk_id)
            return int(before["id"])
    job_id = await jobs.create(tx, JOB, {"bulk": bulk_id})
    await tx.sql.run(SUBMIT, bulk_id=bulk_id, job=job_id, key=key, **asdict(arrived))
    facts = {"lines": arrived.lines, "sha256": arrived.request_hash.hex()}
    tx.audited(AuditEvent("bulk.submit", "bulk", bulk_id, facts))
    return bulk_id


async def cancel(tx: Transaction, bulk_id: int) -> None:
    """Do no further chunk; what is done stays done. Nothing happens to a bulk that is at its end. Raises NotFound."""
    await told(tx, bulk_id)
    if await tx.sql.run(CANCEL, bulk_id=bulk_id):
        tx.audited(AuditEvent("bulk.cancel", "bulk", bulk_id))


async def told(tx: Transaction, bulk_id: int) -> Mapping[str, Any]:
    """The columns of `queries.bulk.with_id`. Raises NotFound."""
    found: Mapping[str, Any] | None = await tx.sql.row(WITH_ID, bulk_id=bulk_id)
    if found is None:
        raise NotFound("There is no such bulk.")
    return found


@not_repeatable
async def undo(tx: Transaction, bulk_id: int, *, is_dry_run: bool) -> int:
    """The id of a bulk that restores what this one has deleted, and nobody has restored or deleted anew since.

    Raises:
        NotFound: there is no such bulk.
        BadUserInput: it is none that deletes.
        InProgress: it is not at its end.
    """
    before = await told(tx, bulk_id)
    if before["kind"] != DELETE:
        raise BadUserInput("Only a bulk that deletes posts can be undone.")
    if before["finished_at"] is None:
        raise InProgress("The bulk is not at its end; cancel it first.")
    new_id = await begin(tx, RESTORE, is_dry_run=is_dry_run)
    number, size, total, after = 0, 0, 0, 0
    while rows := await tx.sql.rows(DELETED_BY, bulk_id=bulk_id, after=after, limit=CHUNK_POSTS):
        posts = [row["post_id"] for row in rows]
        lines = b"\n".join(orjson.dumps({"post": post, "deletedBy": bulk_id}) for post in posts)
        await add_chunk(tx, new_id, Chunk(number, total + 1, len(posts), lines))
        number, size, total, after = number + 1, size + len(lines), total + len(posts), posts[-1]
    return await submit(tx, new_id, Arrived(size, total, number))


async def forget(tx: Transaction) -> int:
    """Delete lines and outcomes of a bulk that is over for long. While any went, there may be more."""
    old = await tx.sql.row(FORGETTABLE, before=datetime.now(UTC) - KEPT, limit=1)
    if old is None:
        return 0
    for statement in (FORGET_CHUNKS, FORGET_EFFECTS, FORGET):
        gone = await tx.sql.run(statement, bulk_id=old["id"])
        if gone:
            return gone
    return 0
