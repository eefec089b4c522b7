"""The migrations make the tables that the models describe, and take them away again."""

import asyncio
import shutil
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from feed_service import models
from feed_service.database import MIGRATIONS, ReadDatabase, create_engine, newest_revision
from feed_service.errors import Unavailable
from feed_service.migrations import LOCK_TIMEOUT, alembic_config, migrate
from feed_service.models.partitions import is_partition
from feed_service.operations.server import is_ready


async def test_the_tables_are_those_of_the_models(database_url: str) -> None:
    described = {"include_name": lambda name, kind, _: kind != "table" or not is_partition(name)}

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts=described), models.Base.metadata)

    engine = create_engine(database_url, pool_size=1)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_downgrade_leaves_nothing_and_can_be_undone(bare_database_url: str) -> None:
    await migrate(bare_database_url)
    engine = create_engine(bare_database_url, pool_size=1)
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
        left = await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        assert list(left) == ["alembic_version"]
    await engine.dispose()
    await migrate(bare_database_url)
    database = ReadDatabase.connect(bare_database_url, pool_size=1)
    assert await is_ready(database)
    await database.close()


def test_the_newest_revision_is_the_one_that_alembic_would_migrate_to() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == newest_revision()


async def test_a_database_without_tables_is_not_current(bare_database_url: str) -> None:
    database = ReadDatabase.connect(bare_database_url, pool_size=1)
    assert not await is_ready(database)
    await database.close()


async def test_several_processes_may_migrate_at_once(bare_database_url: str) -> None:
    await asyncio.gather(*(migrate(bare_database_url) for _ in range(3)))


async def test_a_migration_gives_way_to_what_is_under_way_and_comes_again(bare_database_url: str) -> None:
    await migrate(bare_database_url, "0003")
    engine = create_engine(bare_database_url, pool_size=2)
    async with engine.connect() as busy:
        await busy.execute(text("LOCK TABLE users IN ACCESS SHARE MODE"))
        with pytest.raises(Unavailable, match="has changed nothing"):
            await migrate(bare_database_url, "0004", patience_s=0)
        async with engine.connect() as other:
            assert await other.scalar(text("SELECT version_num FROM alembic_version")) == "0003"
        later = asyncio.create_task(migrate(bare_database_url, "0004"))
        await asyncio.sleep(0.5)
        await busy.rollback()
        await later
        assert await busy.scalar(text("SELECT version_num FROM alembic_version")) == "0004"
    await engine.dispose()


PLANTED = """
from alembic import op
from feed_service.migrations import unbounded

revision, down_revision = "9999", "{newest}"

def upgrade():
    op.execute("COMMENT ON TABLE posts IS 'committed before'")
    with unbounded():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_planted")
        op.execute("CREATE INDEX CONCURRENTLY ix_planted ON posts (author_id)")
"""


async def test_an_index_can_be_made_beside_writers(bare_database_url: str, tmp_path: Path) -> None:
    await migrate(bare_database_url)
    scripts = shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9999_planted.py").write_text(PLANTED.format(newest=newest_revision()))

    def upgrade(connection: Connection) -> None:
        config = alembic_config(connection)
        config.set_main_option("script_location", str(scripts))
        command.upgrade(config, "head")

    engine = create_engine(bare_database_url, pool_size=1)
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        valid = text("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_planted'::regclass")
        assert await connection.scalar(valid) is True
        assert await connection.scalar(text("SHOW lock_timeout")) == LOCK_TIMEOUT
    await engine.dispose()
