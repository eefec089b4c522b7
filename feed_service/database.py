"""The way to PostgreSQL: engines, short reads, and migrations up to the newest."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Row, Select, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from feed_service.errors import ConfigurationError, Overloaded, Unavailable

Entity = TypeVar("Entity")
Answer = TypeVar("Answer")

MIGRATIONS = Path(__file__).parent.parent / "migrations"

STATEMENT_TIMEOUT_MS = 5_000
READING = {
    "default_transaction_read_only": "on",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    # Statements are written so that one plan serves all values. Planning a feed anew takes 0.7 to 1.2 ms of its 1 to 2
    # (make bench-feed-sql), and PostgreSQL, left to itself, plans anew for as long as it expects to gain by it.
    "plan_cache_mode": "force_generic_plan",
}

POOL_WAIT_S = 2
LANES = 4
"""Connections for `ReadDatabase.by_driver`."""

CONNECT_WITHIN_S = 5.0
"""The driver's own limit is a minute, and a server that has vanished without a word is not even refused."""

SILENCE_S = 150.0
"""No statement is waited for any longer: above each `statement_timeout`, which a vanished server does not keep."""

MIGRATION_LOCK = 7_305_001
"""Key of the advisory lock that lets one process migrate at a time; any number that is ours."""


def create_engine(
    url: str, silence_s: float | None = None, /, *, pool_size: int = 10, **server_settings: str
) -> AsyncEngine:
    """An engine for `url`, whose connections carry `server_settings`; a statement of theirs ends within `silence_s`.

    Raises:
        ConfigurationError: the URL is not one of PostgreSQL.
    """
    return create_async_engine(
        with_driver(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        hide_parameters=True,
        connect_args={
            "server_settings": {"application_name": "feed_service", "jit": "off", **server_settings},
            "timeout": CONNECT_WITHIN_S,
            "command_timeout": silence_s,
        },
    )


def with_driver(url: str) -> str:
    """`postgres://` and `postgresql://` as users write them, made to name asyncpg."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+asyncpg"}:
        raise ConfigurationError("DATABASE_URL must begin with postgresql://.")
    named = f"postgresql+asyncpg://{rest}"
    if make_url(named).username is None:
        _require_user_name()
    return named


def _require_user_name() -> None:
    """Without one in the URL, asyncpg takes that of the operating system, whose user may have none."""
    try:
        getpass.getuser()
    except (KeyError, OSError) as error:
        raise ConfigurationError("DATABASE_URL must name a user, because this process has no user name.") from error


@dataclass(frozen=True)
class Link:
    """A connection that stays checked out of the engine's pool, and the driver's own below it."""

    connection: AsyncConnection
    driver: Any

    @classmethod
    async def open(cls, engine: AsyncEngine) -> Self:
        connection = await engine.connect()
        try:
            return cls(connection, await open_driver(connection))
        except BaseException:
            await connection.close()
            raise

    async def let_go(self) -> None:
        self.driver.terminate()
        await self.connection.invalidate()
        await self.connection.close()


@dataclass(frozen=True)
class ReadDatabase:
    """Reads, each on a short connection of its own: one round trip, no BEGIN, no COMMIT, and no way to write."""

    engine: AsyncEngine
    _lanes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LANES))
    _held: list[Link] = field(default_factory=list)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10) -> Self:
        engine = create_engine(url, SILENCE_S, pool_size=pool_size + LANES, **READING)
        return cls(engine.execution_options(isolation_level="AUTOCOMMIT"))

    async def rows(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """Rows of a statement; `values` are for its named parameters."""

        async def read() -> Sequence[Row[*tuple[Any, ...]]]:
            async with self.engine.connect() as connection:
                return (await connection.execute(statement, values)).all()

        return await _twice_if_cut_off(read)

    async def scalars(self, statement: Select[Entity], values: Mapping[str, Any] | None = None) -> Sequence[Entity]:
        """Entities, detached: what was not loaded with them raises when touched. `values` as for `rows`."""

        async def read() -> Sequence[Entity]:
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                return (await session.scalars(statement, values)).all()

        return await _twice_if_cut_off(read)

    async def by_driver(self, read: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """`read` with a connection of the driver, one of few that stay checked out; once more if it was cut off.

        For what every request asks: it takes 0.02 ms of CPU, by `rows` 0.22 (docs/decisions/0010-hot-rows.md).
        """
        try:
            async with asyncio.timeout(POOL_WAIT_S):
                await self._lanes.acquire()
        except TimeoutError:
            raise Overloaded("The service is busy at the moment. Please try again in a few seconds.") from None
        try:
            return await self._by_driver(read, self._held.pop() if self._held else await Link.open(self.engine))
        except CutOff:
            return await self._by_driver(read, await Link.open(self.engine))
        finally:
            self._lanes.release()

    async def _by_driver(self, read: Callable[[Any], Awaitable[Answer]], link: Link) -> Answer:
        try:
            return await read(link.driver)
        except Exception as error:
            if link.driver.is_closed():
                raise CutOff("The database cannot be reached at the moment. Please try again.") from error
            raise
        finally:
            if link.driver.is_closed() or len(self._held) == LANES:
                await link.let_go()
            else:
                self._held.append(link)

    async def is_current(self) -> bool:
        """Whether the tables are those of the newest migration."""
        async with self.engine.connect() as connection:
            return await connection.run_sync(_applied_revision) == newest_revision()

    async def close(self) -> None:
        while self._held:
            await self._held.pop().connection.close()
        await self.engine.dispose()


class CutOff(Unavailable):
    """The server has ended the connection."""


async def open_driver(connection: AsyncConnection) -> Any:  # noqa: ANN401 - asyncpg has no types.
    """The driver's connection. Those that died in the pool, as all do when PostgreSQL restarts, are replaced."""
    while True:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if not driver.is_closed():
            return driver
        await connection.invalidate()


async def _twice_if_cut_off(read: Callable[[], Awaitable[Answer]]) -> Answer:
    """A read whose connection was cut off is made once more: idle ones die unseen when PostgreSQL restarts."""
    try:
        return await read()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return await read()


def newest_revision() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the tables of `url` up to `revision`. Several processes may call it at once; one does the work."""
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)


def _applied_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
