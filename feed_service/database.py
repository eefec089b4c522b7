"""The way to PostgreSQL: engines and short reads."""

import getpass
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Self, TypeVar

import asyncpg
from asyncpg.exceptions import OutdatedSchemaCacheError
from sqlalchemy import Select, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from feed_service.errors import ConfigurationError, Unavailable
from feed_service.gates import Gate
from feed_service.metering import Meters
from feed_service.rows import Row
from feed_service.statements import Readable, Reading, reading

Entity = TypeVar("Entity")
Answer = TypeVar("Answer")

MIGRATIONS = Path(__file__).parent.parent / "migrations"

ALWAYS = {
    "application_name": "feed_service",
    "jit": "off",
    # A machine that vanishes without a word holds its connections, and their locks, for a minute and a half, not for
    # the two hours that the kernel takes.
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""Of every connection."""

STATEMENT_TIMEOUT_MS = 5_000
READING = {
    "default_transaction_read_only": "on",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    # Statements are written so that one plan serves all values. Planning a feed anew takes 0.7 to 1.2 ms of its 1 to 2
    # (make bench-feed-sql), and PostgreSQL, left to itself, plans anew for as long as it expects to gain by it.
    "plan_cache_mode": "force_generic_plan",
}

POOL_WAIT_S = 2

CONNECT_WITHIN_S = 5.0
"""The driver's own limit is a minute, and a server that has vanished without a word is not even refused."""

SILENCE_S = 150.0
"""No statement is waited for any longer: above each `statement_timeout`, which a vanished server does not keep."""


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
            "server_settings": {**ALWAYS, **server_settings},
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


MOST_PREPARED = 100
"""Statements of one connection; of the longest kept is let go."""


@dataclass(frozen=True, eq=False)
class Link:
    """A connection that stays checked out of the engine's pool, and the driver's own below it."""

    connection: AsyncConnection
    driver: Any
    prepared: dict[str, Any] = field(default_factory=dict)

    @classmethod
    async def open(cls, engine: AsyncEngine) -> Self:
        connection = await engine.connect()
        try:
            return cls(connection, await open_driver(connection))
        except BaseException:
            await connection.close()
            raise

    async def fetch(self, text: str, values: Sequence[Any], row: type[Row]) -> Sequence[Any]:
        """Rows of a statement that is prepared once: the driver's own `fetch` looks for it by its text and the class.

        Prepared anew if a migration has changed what it answers.
        """
        prepared = self.prepared.get(text) or await self._prepare(text, row)
        try:
            return await prepared.fetch(*values)  # type: ignore[no-any-return]
        except (asyncpg.InvalidCachedStatementError, OutdatedSchemaCacheError):
            self.prepared.clear()
            return await (await self._prepare(text, row)).fetch(*values)  # type: ignore[no-any-return]

    async def _prepare(self, text: str, row: type[Row]) -> Any:  # noqa: ANN401 - asyncpg's.
        if len(self.prepared) >= MOST_PREPARED:
            del self.prepared[next(iter(self.prepared))]
        prepared = self.prepared[text] = await self.driver.prepare(text, record_class=row)
        return prepared

    async def let_go(self) -> None:
        self.driver.terminate()
        await self.connection.invalidate()
        await self.connection.close()


class ReadDatabase:
    """Reads, each a statement of its own: one round trip, no BEGIN, no COMMIT, and no way to write.

    Connections stay checked out of the engine's pool, and whoever comes first is served first; a read by SQLAlchemy's
    own connection takes ten times the CPU (docs/decisions/0019-reads-by-the-driver.md).
    """

    def __init__(self, engine: AsyncEngine, connections: int, meters: Meters | None = None) -> None:
        self.engine = engine
        self.meters = meters or Meters()
        self.gate = Gate(connections)
        self._idle: list[Link] = []

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10, meters: Meters | None = None) -> Self:
        engine = create_engine(url, SILENCE_S, pool_size=pool_size, **READING)
        return cls(engine.execution_options(isolation_level="AUTOCOMMIT"), pool_size, meters)

    async def rows(self, statement: Readable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Rows (`rows.Row`) of a statement; `values` are for its named parameters.

        Raises:
            Overloaded: all connections were in use for too long.
            Unavailable: the connection was cut off, and so was the one after it.
            InvalidValue: a value is of another type than its parameter.
        """
        wanted = reading(statement)
        text, given = wanted.given(values)

        async def timed(link: Link) -> Sequence[Any]:
            started = perf_counter()
            try:
                if wanted.literal is None:
                    rows = await link.fetch(text, given, wanted.row)
                else:
                    rows = await _fetched_once(link.driver, text, given, wanted.row)
            except BaseException:
                self.meters.failed(wanted.statement.text, perf_counter() - started, text)
                raise
            self.meters.statement(wanted.statement.text, perf_counter() - started, len(rows), given, text)
            return rows

        return await self._by_link(timed)

    async def scalars(
        self, statement: Select[Entity] | Reading, values: Mapping[str, Any] | None = None
    ) -> Sequence[Entity]:
        """The rows of an entity, or else the values of the first column. `values` as for `rows`."""
        rows = await self.rows(statement, values)
        return rows if reading(statement).row.model else [row[0] for row in rows]

    async def by_driver(self, read: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """`read` with a connection of the driver; once more, on a new one, if it was cut off.

        Idle connections die unseen when PostgreSQL restarts. Raises what `rows` does.
        """
        return await self._by_link(lambda link: read(link.driver))

    async def _by_link(self, read: Callable[[Link], Awaitable[Answer]]) -> Answer:
        await self.gate.enter(POOL_WAIT_S, "The service is busy at the moment. Please try again in a few seconds.")
        try:
            return await self._read(read, self._idle.pop() if self._idle else await Link.open(self.engine))
        except CutOff:
            return await self._read(read, await Link.open(self.engine))
        finally:
            self.gate.leave()

    async def _read(self, read: Callable[[Link], Awaitable[Answer]], link: Link) -> Answer:
        try:
            return await read(link)
        except asyncpg.DataError as error:
            # Its message holds the value, which may be a secret or a person's words.
            raise InvalidValue(f"A value does not fit its parameter ({type(error).__name__}).") from None
        except Exception as error:
            if link.driver.is_closed():
                raise CutOff("The database cannot be reached at the moment. Please try again.") from error
            raise
        finally:
            if link.driver.is_closed():
                await link.let_go()
            else:
                self._idle.append(link)

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().connection.close()
        await self.engine.dispose()


class CutOff(Unavailable):
    """The server has ended the connection."""


class InvalidValue(ValueError):
    """A value of another type than its parameter, or out of its range: a mistake of ours, for clients' are checked."""


async def open_driver(connection: AsyncConnection) -> Any:  # noqa: ANN401 - asyncpg has no types.
    """The driver's connection. Those that died in the pool, as all do when PostgreSQL restarts, are replaced."""
    while True:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if not driver.is_closed():
            return driver
        await connection.invalidate()


async def _fetched_once(driver: Any, text: str, values: list[Any], row: type) -> Sequence[Any]:  # noqa: ANN401 - asyncpg's.
    """For a text that is not worth keeping: prepared without a name, it leaves those that are kept alone."""
    statement = await driver.prepare(text, name="", record_class=row)
    return await statement.fetch(*values)  # type: ignore[no-any-return]


def newest_revision() -> str:
    """Revisions are numbered in the order of their files. Alembic is not asked: see `migrations`."""
    return max(path.name for path in MIGRATIONS.glob("versions/0*.py")).partition("_")[0]
