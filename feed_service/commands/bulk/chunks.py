"""The job that does a bulk: one chunk is one step, hence one transaction, with its outcomes and its progress.

A dry run does each chunk and takes it back; what is left are its outcomes, and notes for the chunks after it.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import JSONB

from feed_service import models
from feed_service.commands.audit import AuditEvent
from feed_service.commands.bulk.ahead import understood
from feed_service.commands.bulk.kinds import KINDS, Kind
from feed_service.commands.bulk.lines import REFUSED, Outcome, in_turns, refused, written
from feed_service.commands.bulk.run import Run
from feed_service.commands.bulk.statements import by_index
from feed_service.commands.jobs import Job, Progress
from feed_service.commands.transaction import Transaction
from feed_service.queries import bulk as queries
from feed_service.transactions import compiled, sqlstate_of
from feed_service.viewer import Role

bulk, chunk, user = models.Bulk, models.BulkChunk, models.User
BULK_ID = queries.BULK_ID
NUMBER = bindparam("number", type_=BigInteger)

NEXT = compiled(
    select(
        bulk.kind, bulk.is_dry_run, bulk.counts, bulk.cancelled_at, bulk.done_chunk_count.label("number"),
        chunk.line_count,
    )
    .outerjoin(chunk, (chunk.bulk_id == bulk.id) & (chunk.number == bulk.done_chunk_count))
    .where(bulk.id == BULK_ID)
)  # fmt: skip
IS_ADMIN = compiled(
    select(user.id).where(
        user.id == bindparam("user_id", type_=BigInteger), user.role == Role.ADMIN.value,
        user.suspended_at.is_(None), user.deleted_at.is_(None),
    )
)  # fmt: skip
KEEP_OUTCOMES = compiled(
    update(chunk)
    .where(chunk.bulk_id == BULK_ID, chunk.number == NUMBER)
    .values(outcomes=bindparam("outcomes", type_=LargeBinary))
)
ADVANCE = compiled(
    update(bulk)
    .where(bulk.id == BULK_ID)
    .values(
        done_chunk_count=bulk.done_chunk_count + 1,
        done_line_count=bulk.done_line_count + bindparam("lines", type_=BigInteger),
        counts=bindparam("counts", type_=JSONB),
    )
)
FINISH = compiled(update(bulk).where(bulk.id == BULK_ID).values(finished_at=func.now()))
STOP = compiled(update(bulk).where(bulk.id == BULK_ID).values(cancelled_at=func.now(), finished_at=func.now()))

MOST_ATTEMPTS = 60
"""Of a chunk: enough to find two or three lines that PostgreSQL rejects. More of them are a fault of ours."""

REJECTED_BY_DATABASE = ("22", "23")
"""Classes of SQLSTATE: bad data, and broken constraints."""


async def do_chunk(tx: Transaction, job: Job) -> Progress:
    """Do the next chunk of `task["bulk"]`. An admin who is none any more does nothing more."""
    bulk_id = job.task["bulk"]
    found = await tx.sql.row(NEXT, bulk_id=bulk_id)
    if job.created_by_id is not None and await tx.sql.value(IS_ADMIN, user_id=job.created_by_id) is None:
        await tx.sql.run(STOP, bulk_id=bulk_id)
        return Progress(None, job.progress)
    if found["cancelled_at"] is not None or found["line_count"] is None:
        await tx.sql.run(FINISH, bulk_id=bulk_id)
        return Progress(None, job.progress)
    await by_index(tx)
    kind = KINDS[found["kind"]]
    lines = await understood(tx, job.memory, kind, bulk_id, found["number"])
    run = Run(bulk_id, found["is_dry_run"])
    outcomes = lines.refusals + await done(tx, run, kind, lines.rows)
    await run.keep(tx)
    await _keep(tx, bulk_id, found, lines.sha256, sorted(outcomes, key=lambda one: one.line))
    return Progress("chunk", {"chunks": found["number"] + 1})


async def done(tx: Transaction, run: Run, kind: Kind, rows: Sequence[Any]) -> list[Outcome]:
    """What became of each row. What PostgreSQL itself rejects is refused, and the other rows are done without it."""
    if not rows:
        return []
    savepoint = tx.sql.driver.transaction()
    await savepoint.start()
    inner, effects = Transaction(tx.sql, tx.viewer, tx.request_id), dict(run.effects)
    try:
        outcomes = await kind.do(inner, run, rows)
        if not run.is_dry:
            await inner.finish()
    except Exception as error:
        run.attempts += 1
        if sqlstate_of(error)[:2] not in REJECTED_BY_DATABASE or run.attempts > MOST_ATTEMPTS:
            raise
        await savepoint.rollback()
        run.effects = effects
        return await _halved(tx, run, kind, rows)
    await (savepoint.rollback() if run.is_dry else savepoint.commit())
    return outcomes


async def _halved(tx: Transaction, run: Run, kind: Kind, rows: Sequence[Any]) -> list[Outcome]:
    if len(rows) == 1:
        return [refused(rows[0].line, "REJECTED", "The database does not take this row.")]
    half = len(rows) // 2
    return await done(tx, run, kind, rows[:half]) + await done(tx, run, kind, rows[half:])


async def _keep(
    tx: Transaction,
    bulk_id: int,
    found: Any,  # noqa: ANN401 - a record.
    lines_sha256: str,
    outcomes: Sequence[Outcome],
) -> None:
    told = b"".join([written(some) async for some in in_turns(outcomes)])
    reached = Counter(one.outcome for one in outcomes)
    reasons = Counter(one.reason for one in outcomes if one.outcome == REFUSED and one.reason is not None)
    counts = {
        name: dict(sorted((Counter(found["counts"].get(name, {})) + new).items()))
        for name, new in (("outcomes", reached), ("refusals", reasons))
    }
    await tx.sql.run(KEEP_OUTCOMES, bulk_id=bulk_id, number=found["number"], outcomes=told)
    await tx.sql.run(ADVANCE, bulk_id=bulk_id, lines=found["line_count"], counts=counts)
    if not found["is_dry_run"]:
        facts = {
            "kind": found["kind"], "chunk": found["number"], "outcomes": dict(reached),
            "linesSha256": lines_sha256, "outcomesSha256": sha256(told).hexdigest(),
        }  # fmt: skip
        tx.audited(AuditEvent("bulk.chunk", "bulk", bulk_id, facts))
