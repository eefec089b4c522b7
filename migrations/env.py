"""Runs migrations on a connection that is handed in, or on DATABASE_URL when `alembic` is called by hand."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from feed_service import models
from feed_service.database import create_engine
from feed_service.settings import Settings


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=models.Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def run_by_hand() -> None:
    url = Settings.from_environment().database_url
    if url is None:
        raise SystemExit("Set DATABASE_URL, or use `feed-service migrate`.")
    engine = create_engine(url, pool_size=1)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    run(handed_in)
else:
    asyncio.run(run_by_hand())
