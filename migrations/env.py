"""Runs migrations on a connection that is handed in, on DATABASE_URL when `alembic` is called by hand, or prints them."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from feed_service import models
from feed_service.database import create_engine
from feed_service.migrations import LOCK_TIMEOUT
from feed_service.models.partitions import is_partition
from feed_service.settings import Settings


def is_described(name: str | None, kind: str, _parents: object) -> bool:
    """What autogenerate compares with the models."""
    return kind != "table" or not is_partition(name)


def run(connection: Connection | None) -> None:
    """Without a connection, its SQL is printed, as for `alembic upgrade 0007:0008 --sql`."""
    context.configure(
        connection=connection,
        dialect_name=None if connection else "postgresql",
        target_metadata=models.Base.metadata,
        include_name=is_described,
        transaction_per_migration=True,
    )
    context.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    with context.begin_transaction():
        context.run_migrations()


async def run_by_hand() -> None:
    url = Settings.from_environment().database_url
    if url is None:
        raise SystemExit("Set DATABASE_URL, or use `feed-service migrate`.")
    engine = create_engine(url, pool_size=1)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


handed_in = context.config.attributes.get("connection")
if handed_in is not None or context.is_offline_mode():
    run(handed_in)
else:
    asyncio.run(run_by_hand())
