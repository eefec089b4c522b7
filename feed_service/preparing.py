"""Makes the database ready, before anything is served."""

from datetime import UTC, datetime

from feed_service.database import ReadDatabase, create_engine
from feed_service.errors import ConfigurationError
from feed_service.imports import demo
from feed_service.migrations import migrate


async def prepare(url: str, *, may_migrate: bool, demo_wanted: bool) -> None:
    """Make the database ready to be served.

    Raises:
        ConfigurationError: it is not migrated, and it is not ours to migrate.
    """
    if may_migrate:
        await migrate(url)
    else:
        await _require_current(url)
    if demo_wanted:
        engine = create_engine(url, pool_size=2)
        await demo.load_demo(engine, datetime.now(UTC))
        await engine.dispose()


async def _require_current(url: str) -> None:
    database = ReadDatabase.connect(url, pool_size=1)
    try:
        if not await database.is_current():
            raise ConfigurationError("The database is not migrated to this version; run `feed-service migrate`.")
    finally:
        await database.close()
