"""Monthly partitions, made ahead of time and without keeping writers waiting.

Nobody waits behind a lock of these for longer than `BRIEFLY`, and never for a scan: what cannot have its lock by then
gives way, and is tried again when it is due next. Locks are taken on the table before its partitions.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from feed_service import models
from feed_service.commands.transaction import Transaction
from feed_service.errors import FeedError, Overloaded
from feed_service.models.partitions import MONTHLY, Month, Monthly, Partition, missing
from feed_service.queries import partitions
from feed_service.transactions import compiled, sqlstate_of

BRIEFLY = "200ms"
"""Below `deadlock_timeout`: where two would wait for each other, this is the one to give way."""

MOST_MOVED_BYTES = 8 * 1024 * 1024
"""Of the default partition: about 45,000 events. 180,000 were moved in 3 s on two busy cores (2026-11-21), and a writer
waits for 2 at most."""

GO_ON, STOP = "SHARE UPDATE EXCLUSIVE", "SHARE ROW EXCLUSIVE"
"""Locks of the table that keep away who makes partitions as well, and with the second, who writes.

Whoever was about to write into the default partition, and waits for it, would have to be refused by PostgreSQL when the
row belongs to a new one by then. A month that has not begun is not written to.
"""

LOCK_NOT_AVAILABLE = "55P03"

LISTED = compiled(partitions.listed())


class TooManyStrays(FeedError):
    """More has fallen into a default partition than upkeep may move. Somebody has to, so it is told as an error."""

    code = "OVERLOADED"
    http_status = 503


async def create_partitions(tx: Transaction, now: datetime | None = None, *, is_patient: bool = False) -> bool:
    """Make one that is missing, and move into it what has fallen into the default meanwhile; whether it made one.

    Raises Overloaded when others are in the way, and TooManyStrays when more has fallen into the default than can be
    moved beside them; `is_patient` waits and moves all the same.
    """
    there, now = await listed(tx), now or datetime.now(UTC)
    defaults = {one.table_name: one for one in there if one.is_default}
    too_many = [] if is_patient else [one for one in defaults.values() if one.heap_bytes > MOST_MOVED_BYTES]
    strays = await _strays(tx, defaults)
    for monthly, month in missing(there, now) + strays:
        if defaults.get(monthly.table) not in too_many:
            lock = STOP if month.start <= now or (monthly, month) in strays else GO_ON
            async with gives_way(tx, is_patient=is_patient):
                await _create(tx, monthly, month, lock, has_default=monthly.table in defaults)
            return True
    if too_many:
        names = ", ".join(f"{one.name} holds {one.heap_bytes >> 20} MB" for one in too_many)
        raise TooManyStrays(f"{names}: run `feed-service partitions --ensure` when there is little to do.")
    return False


async def listed(tx: Transaction) -> list[Partition]:
    return [Partition(**row) for row in await tx.sql.rows(LISTED)]


@asynccontextmanager
async def gives_way(tx: Transaction, *, is_patient: bool = False) -> AsyncIterator[None]:
    """Locks of the block are waited for briefly. Raises Overloaded."""
    if is_patient:
        await tx.sql.driver.execute("SET LOCAL statement_timeout = 0")
    else:
        await tx.sql.driver.execute(f"SET LOCAL lock_timeout = '{BRIEFLY}'")
    try:
        yield
    except Exception as error:
        if sqlstate_of(error) != LOCK_NOT_AVAILABLE:
            raise
        raise Overloaded("The partitions are in use at the moment; they are seen to later.") from error


async def _strays(tx: Transaction, defaults: Mapping[str, Partition]) -> list[tuple[Monthly, Month]]:
    """The first month of each table of which the default has rows: there is no partition for it, or it could not."""
    found = []
    for monthly in MONTHLY:
        if monthly.table in defaults:
            oldest = await tx.sql.value(compiled(partitions.oldest_in(monthly, defaults[monthly.table].name)))
            found += [(monthly, Month.of(oldest))] if oldest is not None else []
    return found


async def _create(tx: Transaction, monthly: Monthly, month: Month, lock: str, *, has_default: bool) -> None:
    """Who comes to the default waits while rows are moved out of it. PARTITION OF would lock the table itself."""
    table, name, run = monthly.table, monthly.named(month), tx.sql.driver.execute
    await run(f"LOCK TABLE ONLY {table} IN {lock} MODE")
    if any(one.name == name for one in await listed(tx)):
        return
    await run(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    first, end = (f"'{start:%Y-%m-%d} 00:00:00+00'" for start in (month.start, month.later(1).start))
    if has_default:
        await run(f"LOCK TABLE {monthly.default} IN ACCESS EXCLUSIVE MODE")
        within = f"{monthly.column} >= {first} AND {monthly.column} < {end}"
        await _move(tx, monthly, name, within)
    await run(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})")
    if table == "audit_events":
        await run(
            f"CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_trail()"
        )


async def _move(tx: Transaction, monthly: Monthly, name: str, within: str) -> None:
    """Nothing else may take a row out of the audit trail: its triggers are away for nobody but this transaction."""
    run, default = tx.sql.driver.execute, monthly.default
    columns = ", ".join(models.Base.metadata.tables[monthly.table].columns.keys())
    await run(f"ALTER TABLE {default} DISABLE TRIGGER USER")
    await run(
        f"WITH moved AS (DELETE FROM {default} WHERE {within} RETURNING {columns})"  # noqa: S608 - names of ours.
        f" INSERT INTO {name} ({columns}) SELECT {columns} FROM moved"
    )
    await run(f"ALTER TABLE {default} ENABLE TRIGGER USER")
