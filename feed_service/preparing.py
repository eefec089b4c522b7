"""Makes the database ready, before anything is served, or says in one sentence why it cannot be."""

from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from feed_service.cache.clients import client_at
from feed_service.database import create_engine, newest_revision
from feed_service.database_urls import place, why_unusable
from feed_service.errors import ConfigurationError
from feed_service.imports import demo
from feed_service.migrations import migrate
from feed_service.operations.server import PROBE, Facts, Room, facts, rooms
from feed_service.operations.statement_counting import count_statements
from feed_service.pools import Budget

OLDEST = 15
"""The oldest major version of PostgreSQL that the tests run on."""


async def prepare(url: str, *, may_migrate: bool, demo_wanted: bool, budget: Budget | None = None) -> None:
    """Make the database ready to be served, with the connections of `budget`.

    Raises:
        ConfigurationError: it cannot be used, or is not migrated and not ours to migrate.
    """
    found, limits = await look(url)
    if budget:
        budget.check(limits)
    if may_migrate:
        await migrate(url)
        await count_statements(url)
    elif found.revision is None or found.revision < newest_revision():
        raise ConfigurationError("The database is not migrated to this version; run `feed-service migrate`.")
    if demo_wanted:
        engine = create_engine(url, pool_size=2)
        await demo.load_demo(engine, datetime.now(UTC))
        await engine.dispose()


def require_cache(url: str) -> None:
    """Raises ConfigurationError for an address that cannot be read. A cache that is away is no reason not to start."""
    if not url.startswith("memory:"):
        client_at(url)


async def look(url: str) -> tuple[Facts, list[Room]]:
    """Raises ConfigurationError for a database that cannot be used, whether it is migrated or not."""
    engine = create_engine(url, pool_size=1, **PROBE)
    try:
        async with engine.connect() as connection:
            found = await facts(connection)
            require_usable(found, place(url))
            return found, await rooms(connection)
    except (SQLAlchemyError, OSError) as error:
        raise ConfigurationError(why_unusable(url, error)) from error
    finally:
        await engine.dispose()


def require_usable(found: Facts, where: str) -> None:
    """Raises ConfigurationError."""
    if found.version < OLDEST * 10_000:
        raise ConfigurationError(
            f"The server at {where} is PostgreSQL {found.version_name}; this service needs {OLDEST} or newer."
        )
    if not found.keeps_settings:
        raise ConfigurationError(
            f"A pooler at {where} drops what this service sets for its connections: DATABASE_URL must name the server."
        )
    if found.is_standby or found.is_read_only:
        what = "is a standby, which takes no writes" if found.is_standby else "lets this user only read"
        raise ConfigurationError(f"The server at {where} {what}: DATABASE_URL must name the primary.")
    if found.revision is not None and found.revision > newest_revision():
        raise ConfigurationError(
            f"The database is migrated to {found.revision}, and this version of the service knows {newest_revision()} "
            "at most: start a newer version."
        )
