"""Monthly partitions that have been kept for long enough, dropped with what must be known of them afterwards."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert as upsert

from feed_service import models
from feed_service.commands import audit
from feed_service.commands.audit import AuditEvent
from feed_service.commands.partitions import gives_way, listed
from feed_service.commands.transaction import Transaction
from feed_service.models.partitions import MONTHLY, Month, Partition
from feed_service.queries import partitions
from feed_service.transactions import compiled


async def drop_partitions(tx: Transaction, now: datetime | None = None, *, audit_months: int | None = None) -> bool:
    """Drop one that has been kept for long enough, with what must be known of it afterwards; whether there was one.

    `audit_months` drops what is older than that many months of the audit trail as well, which is kept for ever
    otherwise. Raises Overloaded when others are in the way.
    """
    now = now or datetime.now(UTC)
    for one in await listed(tx):
        (monthly,) = (monthly for monthly in MONTHLY if monthly.table == one.table_name)
        kept_since = now - monthly.kept if monthly.kept else None
        if monthly.table == "audit_events" and audit_months is not None:
            kept_since = Month.of(now).later(-audit_months).start
        if kept_since is not None and one.ends_at is not None and one.ends_at <= kept_since:
            await _drop(tx, one)
            return True
    return False


async def _drop(tx: Transaction, partition: Partition) -> None:
    """First nobody writes to the partition any more, as nobody does anyway, and for the end all are kept away."""
    run, name = tx.sql.driver.execute, partition.name
    await run(f"LOCK TABLE {name} IN SHARE MODE")
    if not any(one.name == name for one in await listed(tx)):
        return
    if partition.table_name in LAST_WORDS:
        await LAST_WORDS[partition.table_name](tx, name)
    async with gives_way(tx):
        await run(f"LOCK TABLE ONLY {partition.table_name} IN ACCESS EXCLUSIVE MODE")
        await run(f"DROP TABLE {name}")


async def _tell_pollers(tx: Transaction, name: str) -> None:
    """In the moment in which events go, whoever may not have seen them has to begin anew."""
    horizon = models.ChangeLogHorizon
    moved = upsert(horizon).from_select(["xid"], partitions.newest_xid_in(name))
    newer = {"xid": func.greatest(moved.excluded.xid, horizon.xid)}
    await tx.sql.run(compiled(moved.on_conflict_do_update(index_elements=["id"], set_=newer)))


async def _anchor_chains(tx: Transaction, name: str) -> None:
    """What comes next in each stream still proves that it comes next; and the trail tells that a part of it went.

    All of it before the table is locked: whoever appends holds the row of a stream while coming to the table.
    """
    await tx.sql.driver.execute("SET LOCAL statement_timeout = '60s'")
    stream, last = models.AuditStream, partitions.last_of_streams_in(name).subquery("last")
    anchored = update(stream).where(stream.name == last.c.stream, stream.forgotten < last.c.number)
    streams = await tx.sql.run(compiled(anchored.values(forgotten=last.c.number, forgotten_hash=last.c.hash)))
    event = AuditEvent("audit.forget", "partition", None, {"partition": name, "streams": streams})
    await audit.append(tx.sql, tx.viewer.user_id, tx.request_id, [event])


LAST_WORDS: Mapping[str, Callable[[Transaction, str], Awaitable[None]]] = {
    "audit_events": _anchor_chains,
    "change_log": _tell_pollers,
}
"""What must be known of a partition that is dropped, kept in the same transaction."""
