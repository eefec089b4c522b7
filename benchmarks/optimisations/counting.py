"""What operations cost PostgreSQL, by its own counters: statements, rows, pages, milliseconds."""

from dataclasses import dataclass
from typing import Any, Self

import asyncpg

SPOKEN = """
    SELECT coalesce(sum(calls), 0)::float8 AS statements, coalesce(sum(total_plan_time + total_exec_time), 0) AS ms,
        coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8 AS pages
    FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND query NOT LIKE '%pg_stat%' AND query !~ '^(BEGIN|DROP INDEX|ROLLBACK)'
"""
READ = """
    SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::float8
        + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::float8 AS rows
"""


@dataclass(frozen=True)
class Counts:
    """`rows`: rows and entries of indexes that scans have come to, shown or not. None: nobody counts it."""

    statements: float | None
    rows: float
    pages: float | None
    postgres_ms: float | None

    def since(self, before: "Counts") -> "Counts":
        return Counts(
            less(self.statements, before.statements),
            self.rows - before.rows,
            less(self.pages, before.pages),
            less(self.postgres_ms, before.postgres_ms),
        )

    def over(self, size: int) -> "Counts":
        """For each of so many operations."""
        statements, pages, ms = (
            None if value is None else value / size for value in (self.statements, self.pages, self.postgres_ms)
        )
        return Counts(
            statements and round(statements, 2),
            round(self.rows / size, 1),
            pages and round(pages, 1),
            ms and round(ms, 3),
        )


def less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


class Counter:
    """Reads the counters of one database, on a connection of its own, whose statements are not counted."""

    def __init__(self, connection: Any, *, counts_statements: bool) -> None:  # noqa: ANN401 - asyncpg's.
        self.connection = connection
        self.counts_statements = counts_statements

    @classmethod
    async def open(cls, url: str) -> Self:
        """Planning is counted as well from now on, on new connections, where the user may ask for that."""
        connection = await asyncpg.connect(url)
        try:
            counts = "pg_stat_statements" in await connection.fetchval("SHOW shared_preload_libraries")
            if counts:
                await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                name = await connection.fetchval("SELECT quote_ident(current_database())")
                await connection.execute(f"ALTER DATABASE {name} SET pg_stat_statements.track_planning = on")
        except asyncpg.InsufficientPrivilegeError:
            print("Planning is not counted: only a superuser may ask for it.")
        except BaseException:
            await connection.close()
            raise
        return cls(connection, counts_statements=counts)

    async def read(self) -> Counts:
        rows = await self.connection.fetchval(READ)
        if not self.counts_statements:
            return Counts(None, rows, None, None)
        spoken = await self.connection.fetchrow(SPOKEN)
        return Counts(spoken["statements"], rows, spoken["pages"], spoken["ms"])

    async def close(self) -> None:
        await self.connection.close()
