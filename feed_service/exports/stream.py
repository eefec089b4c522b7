"""One export: a header, the rows and a trailer, from one snapshot, as fast as they are taken and no faster."""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import orjson
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from feed_service.database import create_engine, open_driver
from feed_service.errors import FeedError, RateLimited, Unavailable
from feed_service.exports.sealed import Opener, Output
from feed_service.exports.source import Source
from feed_service.queries import exports as queries
from feed_service.transactions import OUT_OF_SERVICE, Statements, compiled, is_cut

log = logging.getLogger(__name__)

Sink = Callable[[bytes], Awaitable[None]]
"""Takes whole lines; the next ones are not read before it returns."""

AT_ONCE = 2
"""Exports of a process; the others are told to come again."""

TIME_LIMIT_S = 900
"""A snapshot keeps VACUUM from its work; whoever reads so slowly goes on in another export."""

EXPORTING = {
    "default_transaction_read_only": "on",
    "timezone": "UTC",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "60000",
    # PostgreSQL notices that a reader has left even while it looks for the next row.
    "client_connection_check_interval": "1000",
    # One export is worth one core.
    "max_parallel_workers_per_gather": "0",
}

UNQUOTED = {"format": "csv", "delimiter": "\x02", "quote": "\x01"}
"""COPY as it is: JSON has no such characters, so that nothing in it is quoted or doubled."""

SNAPSHOT = compiled(queries.snapshot())
TURN = compiled(queries.turn())
ALONG_KEY = compiled(queries.along_key())
AUDIT_KEY = compiled(queries.audit_key())


@dataclass
class Tally:
    """Of the lines of rows, for the trailer."""

    sink: Sink
    rows: int = 0

    def __post_init__(self) -> None:
        self._sha256 = hashlib.sha256()

    async def __call__(self, lines: bytes | bytearray) -> None:
        self.rows += lines.count(b"\n")
        self._sha256.update(lines)
        await self.sink(bytes(lines))

    def trailer(self) -> bytes:
        return line({"type": "trailer", "rows": self.rows, "sha256": self._sha256.hexdigest(), "complete": True})


@dataclass(frozen=True)
class ExportDatabase:
    """Connections for exports alone, so that slow downloads never keep readers out."""

    engine: AsyncEngine

    @classmethod
    def connect(cls, url: str, *, time_limit_s: int = TIME_LIMIT_S) -> Self:
        """0 is without a limit."""
        timeout = {"statement_timeout": str(time_limit_s * 1_000)}
        return cls(create_engine(url, pool_size=AT_ONCE, **EXPORTING, **timeout))

    async def export(self, source: Source, sink: Sink, *, after: str | None = None, user_id: int | None = None) -> int:
        """Hand all lines to `sink`, from behind the row with the key `after`; the number of rows.

        An export that ends early, for whatever reason, has no trailer. `user_id` is who asks for it.

        Raises:
            InvalidCursor: `after` is no key of this export. Nothing was handed over.
            RateLimited: the user has another one under way. Nothing was handed over.
            Unavailable: PostgreSQL ended the connection.
        """
        parts = source.parts(after)
        tally = Tally(sink)
        async with self.engine.connect() as connection:
            driver = await open_driver(connection)
            transaction = driver.transaction(isolation="repeatable_read", readonly=True)
            try:
                await transaction.start()
                await _take_turn(driver, user_id)
                if source.is_whole_table:
                    await Statements(driver).row(ALONG_KEY)
                await sink(await _header(driver, source, after))
                for section, lines in parts:
                    await _copy(driver, lines, await _opened(driver, source, section, tally))
                await sink(tally.trailer())
            except FeedError:
                await transaction.rollback()
                raise
            except BaseException as error:
                await _give_up(connection, driver)
                if isinstance(error, OUT_OF_SERVICE) or (is_cut(error) and not isinstance(error, OSError)):
                    raise Unavailable("The database has ended the connection; go on behind the last line.") from error
                raise
            await transaction.commit()
        log.info("exported %s for %s: %d rows", source.name, user_id or "the operator", tally.rows)
        return tally.rows

    async def close(self) -> None:
        await self.engine.dispose()


async def _take_turn(driver: Any, user_id: int | None) -> None:  # noqa: ANN401 - asyncpg's.
    if user_id is not None and not await Statements(driver).value(TURN, user_id=user_id):
        raise RateLimited("You have an export under way; another can begin when it has ended.")


async def _header(driver: Any, source: Source, after: str | None) -> bytes:  # noqa: ANN401 - asyncpg's.
    snapshot = await Statements(driver).row(SNAPSHOT)
    key = None if after is None else orjson.loads(after)
    return line({"type": "header", **source.header, **snapshot, "resumed": after is not None, "after": key})


async def _opened(driver: Any, source: Source, section: queries.Section, tally: Tally) -> Output:  # noqa: ANN401
    if section.sealed is None:
        return tally
    return Opener(section.sealed, await Statements(driver).value(AUDIT_KEY, user_id=source.user_id), tally)


async def _copy(driver: Any, statement: Select[str], output: Output) -> None:  # noqa: ANN401 - asyncpg's.
    text, names, values = compiled(statement)
    await driver.copy_from_query(text, *(values[name] for name in names), output=output, **UNQUOTED)


async def _give_up(connection: AsyncConnection, driver: Any) -> None:  # noqa: ANN401 - asyncpg's.
    """Close the connection: PostgreSQL stops at its next line, and there is nothing to wait for."""
    driver.terminate()
    await connection.invalidate()


def line(members: dict[str, Any]) -> bytes:
    return orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE)
