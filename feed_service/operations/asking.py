"""How the operator's questions reach PostgreSQL: on a connection of their own, reading only, bounded in time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from feed_service.database import create_engine, open_driver
from feed_service.transactions import is_cut, sqlstate_of

Answer = TypeVar("Answer")

SETTINGS = {
    "application_name": "feed_service operations",
    "default_transaction_read_only": "on",
    "statement_timeout": "10000",
    # Sizes and definitions take the weakest lock there is; whoever changes a table is not waited for.
    "lock_timeout": "500",
    "idle_in_transaction_session_timeout": "60000",
}

SILENCE_S = 15.0

MARK = " /* feed_service report */"
"""Ends each text, where pg_stat_statements keeps it: by it the report knows its own statements."""

REASONS = {
    "42501": "the role lacks the privilege",
    "57014": "it took longer than 10 s",
    "55P03": "a table is locked by somebody who changes it",
    "42P01": "there is no such table; run `feed-service migrate`",
}


@dataclass(frozen=True)
class Unknown:
    """Why a part of the report is not there."""

    reason: str


@dataclass(frozen=True)
class Questions:
    """Texts with $1, $2, … and what they answer."""

    driver: Any

    async def rows(self, text: str, *values: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - values of columns.
        return [dict(row) for row in await self.driver.fetch(text + MARK, *values)]

    async def row(self, text: str, *values: Any) -> dict[str, Any]:  # noqa: ANN401 - values of columns.
        """Of a text that always answers one row."""
        return dict(await self.driver.fetchrow(text + MARK, *values))

    async def each(self, text: str, *values: Any) -> AsyncIterator[dict[str, Any]]:  # noqa: ANN401 - values of columns.
        """Rows, some at a time, for those that are too many to hold."""
        async for row in self.driver.cursor(text + MARK, *values, prefetch=50):
            yield dict(row)

    async def tried(self, read: Callable[["Questions"], Awaitable[Answer]]) -> Answer | Unknown:
        """What `read` answers, in a transaction of its own; or why PostgreSQL has refused it."""
        transaction = self.driver.transaction(readonly=True, isolation="read_committed")
        await transaction.start()
        try:
            return await read(self)
        except Exception as error:
            code = sqlstate_of(error)
            if not code or is_cut(error):
                raise
            return Unknown(f"{REASONS.get(code, 'PostgreSQL refused it')} ({code}: {str(error).splitlines()[0]})")
        finally:
            if not self.driver.is_closed():
                await transaction.rollback()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Questions]:
    engine = create_engine(url, SILENCE_S, pool_size=1, **SETTINGS)
    try:
        async with engine.connect() as connection:
            yield Questions(await open_driver(connection))
    finally:
        await engine.dispose()


LOCKED = """
    SELECT relation FROM pg_locks
    WHERE granted AND mode = 'AccessExclusiveLock' AND locktype = 'relation' AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""Tables that nobody can even measure at the moment: sizes and definitions of them are not asked for."""
