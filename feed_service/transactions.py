"""Writing: one piece of work in one transaction, run again by itself when PostgreSQL asks for it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Literal, Self, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from feed_service.database import SILENCE_S, Link, create_engine
from feed_service.errors import Unavailable
from feed_service.gates import Gate
from feed_service.metering import Meters
from feed_service.running import Statements
from feed_service.statements import Statement, compiled

__all__ = [
    "CONFLICTS",
    "OUT_OF_SERVICE",
    "WRITING",
    "ConnectionLost",
    "Isolation",
    "OutcomeUnknown",
    "Statement",
    "Statements",
    "Work",
    "WriteDatabase",
    "compiled",
    "is_cut",
    "is_worth_another",
    "sqlstate_of",
]

Answer = TypeVar("Answer")
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

WRITING = {
    "statement_timeout": "5000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "15000",
    "plan_cache_mode": "force_generic_plan",
}

COMMIT = "COMMIT"

ATTEMPTS = 8
BUDGET_S = 3.0
"""No attempt begins later than this after the first."""

PATIENCE_S = 8.0
"""How long a transaction waits for one of the connections: within the time of a request, with some left to do it."""

FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.25
ROLLBACK_S = 2.0

OUT_OF_SERVICE = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver says of a connection that is closed; the second while it has read the server's last word, but not yet
the end."""

CONFLICTS = {"40001", "40P01"}
"""Serialization failure and deadlock."""

CROWDED = "53300"
"""All connections that the server has are in use."""

STANDBY = "25006"
"""The server takes no writes any more, since another has taken its place."""

CUT = ("08", "57P", "25P03", STANDBY)
"""Beginnings of codes by which a server ends connections, or does not accept them."""


class OutcomeUnknown(Unavailable):
    """The connection was lost while the transaction was being committed: it may be stored or not."""


Work = Callable[[Statements], Awaitable[Answer]]


class WriteDatabase:
    """Connections for writing, apart from those for reading: waiting writers never keep readers out.

    Whoever comes first is served first, and whoever waits too long is refused. Connections stay checked out of the
    engine's pool, which with 2,000 writers at once let 31 of them write (docs/decisions/0010-hot-rows.md).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        connections: int = 10,
        patience_s: float = PATIENCE_S,
        meters: Meters | None = None,
    ) -> None:
        self.engine = engine
        self.patience_s = patience_s
        self.meters = meters or Meters()
        self.gate = Gate(connections)
        self._idle: list[Link] = []

    @classmethod
    def connect(
        cls, url: str, *, pool_size: int = 10, patience_s: float = PATIENCE_S, meters: Meters | None = None
    ) -> Self:
        engine = create_engine(url, SILENCE_S, pool_size=pool_size, **WRITING)
        return cls(engine, connections=pool_size, patience_s=patience_s, meters=meters)

    async def transact(
        self, work: Work[Answer], *, isolation: Isolation = "read_committed", is_repeatable: bool = True
    ) -> Answer:
        """What `work` answers, once its transaction is committed. `work` must keep nothing between attempts.

        `is_repeatable`: the work may be done again when it is not known whether it was stored.

        Raises:
            Overloaded: all connections were in use for too long.
            OutcomeUnknown: the connection was lost during the commit, and the work is not repeatable.
            Unavailable: no attempt within the budget found a connection that lasted.
        """
        refusal = "Too much is being written at the moment. Please try again in a few seconds."
        await self.gate.enter(self.patience_s, refusal)
        try:
            return await self._repeated(work, isolation, is_repeatable=is_repeatable)
        finally:
            self.gate.leave()

    async def _repeated(self, work: Work[Answer], isolation: Isolation, *, is_repeatable: bool) -> Answer:
        started = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(work, isolation)
            except (OutcomeUnknown, ConnectionLost, asyncpg.PostgresError, DBAPIError, OSError) as error:
                if not (is_repeatable if isinstance(error, OutcomeUnknown) else is_worth_another(error)):
                    raise
                if attempt == ATTEMPTS or time.monotonic() - started > BUDGET_S:
                    if is_cut(error):
                        raise Unavailable("The database cannot be reached at the moment. Please try again.") from error
                    raise
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, no secret.
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, work: Work[Answer], isolation: Isolation) -> Answer:
        link = await self._link()
        try:
            return await _done(link, work, isolation, self.meters)
        finally:
            await self._put_back(link)

    async def _link(self) -> Link:
        """The one used last; those that died meanwhile, as all do when PostgreSQL restarts, are let go."""
        while self._idle:
            link = self._idle.pop()
            if not link.driver.is_closed():
                return link
            await link.let_go()
        return await Link.open(self.engine)

    async def _put_back(self, link: Link) -> None:
        """Whoever was cancelled while rolling back may leave a connection in any state: only whole ones are kept."""
        if link.driver.is_closed() or link.driver.is_in_transaction():
            await link.let_go()
        else:
            self._idle.append(link)

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().connection.close()
        await self.engine.dispose()


async def _done(link: Link, work: Work[Answer], isolation: Isolation, meters: Meters) -> Answer:
    transaction = link.driver.transaction(isolation=isolation)
    try:
        await transaction.start()
        answer = await work(Statements(link.driver, meters=meters))
    except BaseException as error:
        await _roll_back(link.connection, link.driver, transaction)
        if sqlstate_of(error) == STANDBY:
            link.driver.terminate()
        if isinstance(error, OUT_OF_SERVICE) and link.driver.is_closed():
            raise ConnectionLost from error
        raise
    started = perf_counter()
    await _commit(link.connection, link.driver, transaction)
    meters.statement(COMMIT, perf_counter() - started, 0)
    return answer


class ConnectionLost(Exception):
    """The driver found its connection closed before the commit: nothing was stored."""


async def _commit(connection: AsyncConnection, driver: Any, transaction: Any) -> None:  # noqa: ANN401 - asyncpg's.
    try:
        await transaction.commit()
    except asyncpg.PostgresError as error:
        if not is_cut(error):
            raise
        await connection.invalidate()
        raise OutcomeUnknown("It is not known whether this was stored. Please look, or try again.") from error
    except BaseException as error:
        driver.terminate()
        await connection.invalidate()
        if isinstance(error, asyncio.CancelledError):
            raise
        raise OutcomeUnknown("It is not known whether this was stored. Please look, or try again.") from error


async def _roll_back(connection: AsyncConnection, driver: Any, transaction: Any) -> None:  # noqa: ANN401 - asyncpg's.
    """A connection that cannot even do this is given up, and with it whatever it held."""
    try:
        if not driver.is_closed():
            await asyncio.wait_for(transaction.rollback(), ROLLBACK_S)
    except (asyncpg.PostgresError, *OUT_OF_SERVICE, OSError):
        driver.terminate()
    if driver.is_closed():
        await connection.invalidate()


def is_worth_another(error: BaseException) -> bool:
    """Nothing was stored, and another attempt may succeed."""
    return sqlstate_of(error) in CONFLICTS | {CROWDED} or is_cut(error)


def is_cut(error: BaseException) -> bool:
    """The server could not be reached, has ended the connection, or is no longer the one to write to."""
    return isinstance(error, ConnectionLost | OSError) or sqlstate_of(error).startswith(CUT)


def sqlstate_of(error: BaseException) -> str:
    """Of an error of asyncpg, also inside one of SQLAlchemy; empty if it has none."""
    inner = error.driver_exception if isinstance(error, DBAPIError) else error
    return getattr(inner, "sqlstate", None) or ""
