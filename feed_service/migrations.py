"""Bringing the tables up to date. Only this module imports Alembic, which a process that serves does without (9 MB)."""

import asyncio
import io
import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service.database import MIGRATIONS, create_engine
from feed_service.errors import Unavailable
from feed_service.transactions import sqlstate_of

log = logging.getLogger(__name__)

MIGRATION_LOCK = 7_305_001
"""Key of the advisory lock that lets one process migrate at a time; any number that is ours."""

LOCK_TIMEOUT = "2s"
"""A migration that waits for a table keeps everybody waiting who comes to it later: it gives way, and comes again."""

IN_THE_WAY = {"55P03", "40P01"}
"""The lock could not be had in time; two waited for each other."""

PATIENCE_S = 300.0
PAUSE_S = 2.0
LOOK_S = 0.2


async def migrate(url: str, revision: str = "head", *, patience_s: float = PATIENCE_S) -> None:
    """Bring the tables of `url` up to `revision`. Several processes may call it at once; one does the work.

    Each migration is one transaction, and is begun again for as long as others are in its way.

    Raises:
        Unavailable: they were for `patience_s`. The migrations before are done, and this one has changed nothing.
    """
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            await _in_turn(connection)
            await _patiently(connection, revision, patience_s)
    finally:
        await engine.dispose()


@contextmanager
def unbounded() -> Iterator[None]:
    """For statements of a migration that run in no transaction, as CREATE INDEX CONCURRENTLY, and without a time limit.

    That one waits for the transactions of others without keeping anybody waiting, and after a timeout it would leave
    an index that is maintained and never used. What stands here may be run again, after anything: DROP INDEX
    CONCURRENTLY IF EXISTS comes first. Whatever the migration has done before is committed.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        yield
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def alembic_config(connection: Connection | None = None, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def statements_of(revision: str) -> str:
    """What a migration sends to PostgreSQL."""
    output = io.StringIO()
    config = alembic_config(output=output)
    before = ScriptDirectory.from_config(config).get_revision(revision).down_revision
    command.upgrade(config, f"{before or 'base'}:{revision}", sql=True)
    return output.getvalue()


async def _in_turn(connection: AsyncConnection) -> None:
    """Looked for again and again: who waits for a lock within a statement keeps CONCURRENTLY waiting, for ever."""
    taken = text("SELECT pg_try_advisory_lock(:key)")
    while not await connection.scalar(taken, {"key": MIGRATION_LOCK}):
        await connection.commit()
        await asyncio.sleep(LOOK_S)
    await connection.commit()


async def _patiently(connection: AsyncConnection, revision: str, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return await connection.run_sync(_upgrade, revision)
        except DBAPIError as error:
            await connection.rollback()
            if sqlstate_of(error) not in IN_THE_WAY:
                raise
            if time.monotonic() > deadline:
                raise Unavailable(
                    "The migration waited for other transactions for too long and has changed nothing: end them, "
                    "or try again when there is less to do."
                ) from error
            log.warning("The migration gives way to a transaction that holds what it needs, and is tried again.")
        await asyncio.sleep(random.uniform(0.5, 1) * PAUSE_S)  # noqa: S311 - jitter, no secret.


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)
