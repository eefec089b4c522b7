"""COPY, and loading into empty tables without their indexes and foreign keys."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service.imports.report import Progress

INFINITY = datetime.max  # noqa: DTZ901 - asyncpg sends exactly this value, without a zone, as infinity.

ROWS_PER_STEP = 20_000
"""How often progress is told; a call per row would cost more than the row."""

FOREIGN_KEYS = text("""
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
    ORDER BY conrelid::regclass::text, conname
""")

SECONDARY_INDEXES = text("""
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE relnamespace = current_schema()::regnamespace
      AND relkind = 'r' AND NOT relispartition
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ORDER BY indexrelid::regclass::text
""")


async def copy_rows(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> int:
    """Send `rows` through COPY inside the connection's transaction, and return how many there were."""
    # The driver's connection is not in a transaction before SQLAlchemy has sent a statement of its own.
    await connection.execute(text("SELECT 1"))
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - mypy only: a pooled connection has its driver's.
    status: str = await driver.copy_records_to_table(table, columns=list(columns), records=rows)
    return int(status.rsplit(maxsplit=1)[-1])


async def new_ids(connection: AsyncConnection, table: str, count: int) -> list[int]:
    """`count` ascending ids of the table's own sequence."""
    statement = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return list(await connection.scalars(statement, {"table": table, "count": count}))


def counted(rows: Iterable[tuple[Any, ...]], progress: Progress, kind: str, total: int) -> Iterator[tuple[Any, ...]]:
    """The same rows, telling `progress` about every 20,000th and the last."""
    for done, row in enumerate(rows, start=1):
        yield row
        if done % ROWS_PER_STEP == 0:
            progress(kind, min(done, total), total)
    progress(kind, total, total)


@asynccontextmanager
async def without_indexes(connection: AsyncConnection, progress: Progress) -> AsyncIterator[None]:
    """Foreign keys and secondary indexes are gone inside, and rebuilt after; tables with partitions keep theirs.

    All of it happens in the caller's transaction: whatever fails, the tables are as they were before.
    """
    keys = (await connection.execute(FOREIGN_KEYS)).all()
    indexes = (await connection.execute(SECONDARY_INDEXES)).all()
    for table, name, _ in keys:
        await connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    for name, _ in indexes:
        await connection.execute(text(f"DROP INDEX {name}"))
    yield
    statements = [definition for _, definition in indexes]
    statements += [f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}" for table, name, rule in keys]
    for done, statement in enumerate(statements):
        progress("indexes", done, len(statements))
        await connection.exec_driver_sql(statement)
    progress("indexes", len(statements), len(statements))
