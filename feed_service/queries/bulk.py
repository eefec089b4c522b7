"""Bulks as they are told: how far each has come, and what became of its lines."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Integer, Select, Text, bindparam, case, func, select

from feed_service import models

Rows = Select[*tuple[Any, ...]]

BULK_ID = bindparam("bulk_id", type_=BigInteger)
USER_ID = bindparam("user_id", type_=BigInteger)

bulk, chunk, job = models.Bulk, models.BulkChunk, models.Job

TOLD = (
    bulk.id, bulk.kind, bulk.is_dry_run, bulk.created_at, bulk.finished_at, bulk.byte_count, bulk.line_count,
    bulk.done_line_count, bulk.chunk_count, bulk.done_chunk_count, bulk.counts, bulk.forgotten_at,
)  # fmt: skip


def state() -> ColumnElement[str]:
    """RECEIVING, WAITING, RUNNING, DONE, CANCELLED or FAILED; needs the row of `jobs`, if there is one."""
    is_cut_short = bulk.cancelled_at.is_not(None) & (bulk.done_chunk_count < bulk.chunk_count)
    return case(
        (bulk.job_id.is_(None), "RECEIVING"),
        (bulk.finished_at.is_not(None) & is_cut_short, "CANCELLED"),
        (bulk.finished_at.is_not(None), "DONE"),
        (job.state == "failed", "FAILED"),
        (bulk.done_chunk_count > 0, "RUNNING"),
        else_="WAITING",
    )


def with_id() -> Rows:
    """(what is told of `:bulk_id`, state, error); nothing if there is no such bulk."""
    return (
        select(*TOLD, state().label("state"), job.error).outerjoin(job, job.id == bulk.job_id).where(bulk.id == BULK_ID)
    )


def under_key() -> Rows:
    """(id, request_hash) of what `:user_id` has sent under `:key`."""
    key = bindparam("key", type_=Text)
    return select(bulk.id, bulk.request_hash).where(bulk.created_by_id == USER_ID, bulk.idempotency_key == key)


def unfinished_of() -> Rows:
    """(how many) bulks of `:user_id` have arrived, and are not at their end."""
    return select(func.count()).where(
        bulk.created_by_id == USER_ID, bulk.job_id.is_not(None), bulk.finished_at.is_(None)
    )


def forgettable() -> Rows:
    """(id,) of the first bulks from before `:before` whose lines are still kept, and not needed any more."""
    is_at_end = bulk.finished_at.is_not(None) | bulk.job_id.is_(None)
    before, limit = bindparam("before", type_=DateTime(timezone=True)), bindparam("limit", type_=Integer)
    kept = select(bulk.id).where(bulk.forgotten_at.is_(None), bulk.created_at < before, is_at_end)
    return kept.order_by(bulk.created_at).limit(limit)


def outcomes() -> Rows:
    """(number, first line, outcomes) of the first chunk from `:number` on that is done and ends after line `:after`."""
    from_number, after = bindparam("number", type_=BigInteger), bindparam("after", type_=BigInteger)
    done = select(chunk.number, chunk.first_line, chunk.outcomes).where(
        chunk.bulk_id == BULK_ID,
        chunk.number >= from_number,
        chunk.first_line + chunk.line_count > after + 1,
        chunk.outcomes.is_not(None),
    )
    return done.order_by(chunk.number).limit(1)
