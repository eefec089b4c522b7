"""Bringing the tables up to date. Only this module imports Alembic, which a process that serves does without (9 MB)."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from feed_service.database import MIGRATIONS, create_engine

MIGRATION_LOCK = 7_305_001
"""Key of the advisory lock that lets one process migrate at a time; any number that is ours."""


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the tables of `url` up to `revision`. Several processes may call it at once; one does the work."""
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)
