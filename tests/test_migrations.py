"""The migrations make the tables that the models describe, and take them away again."""

import asyncio

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from feed_service import models
from feed_service.database import ReadDatabase, create_engine, newest_revision
from feed_service.migrations import alembic_config, migrate


async def test_the_tables_are_those_of_the_models(database_url: str) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), models.Base.metadata)

    engine = create_engine(database_url, pool_size=1)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_downgrade_leaves_nothing_and_can_be_undone(bare_database_url: str) -> None:
    await migrate(bare_database_url)
    engine = create_engine(bare_database_url, pool_size=1)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
        left = await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        assert list(left) == ["alembic_version"]
    await engine.dispose()
    await migrate(bare_database_url)
    database = ReadDatabase.connect(bare_database_url, pool_size=1)
    assert await database.is_current()
    await database.close()


def test_the_newest_revision_is_the_one_that_alembic_would_migrate_to() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == newest_revision()


async def test_a_database_without_tables_is_not_current(bare_database_url: str) -> None:
    database = ReadDatabase.connect(bare_database_url, pool_size=1)
    assert not await database.is_current()
    await database.close()


async def test_several_processes_may_migrate_at_once(bare_database_url: str) -> None:
    await asyncio.gather(*(migrate(bare_database_url) for _ in range(3)))
