"""What the server of the database is and has room for, and whether the tables are those of this version."""

from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service.database import ReadDatabase, newest_revision
from feed_service.transactions import sqlstate_of

NO_TABLE = "42P01"

REVISION = "SELECT max(version_num) FROM alembic_version"

PROBE = {"statement_timeout": "14567"}
"""No server has it by itself: a connection without it is one that a pooler has lent."""

FACTS = text("""
    SELECT current_setting('server_version_num')::int AS version,
        current_setting('server_version') AS version_name,
        pg_is_in_recovery() AS is_standby,
        current_setting('default_transaction_read_only') = 'on' AS is_read_only,
        current_setting('statement_timeout') AS statement_timeout,
        to_regclass('alembic_version') IS NOT NULL AS has_revision
""")

ROOM = text("""
    WITH clients AS (
        SELECT pid, usesysid, datname FROM pg_stat_activity
        WHERE datid IS NOT NULL AND usesysid IS NOT NULL AND pid <> pg_backend_pid()
            AND coalesce(backend_type, 'client backend') = 'client backend'
    ), limits AS (
        SELECT 'max_connections' AS name,
            current_setting('max_connections')::int
                - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true), '0')::int AS most,
            (SELECT count(*) FROM clients)::int AS used
        UNION ALL
        SELECT 'the connection limit of the role', rolconnlimit,
            (SELECT count(*) FROM clients WHERE usesysid = pg_roles.oid)::int
        FROM pg_roles WHERE rolname = current_user AND rolconnlimit >= 0 AND NOT rolsuper
        UNION ALL
        SELECT 'the connection limit of the database', datconnlimit,
            (SELECT count(*) FROM clients WHERE datname = current_database())::int
        FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
    )
    SELECT name, most, used FROM limits
""")


class Facts(NamedTuple):
    """`version` as 150004; `revision` is the migration that was applied last.

    `keeps_settings`: the connection, which was opened with `PROBE`, has it.
    """

    version: int
    version_name: str
    is_standby: bool
    is_read_only: bool
    revision: str | None
    keeps_settings: bool = True


class Room(NamedTuple):
    """A limit: its name, how many connections it allows, and how many others use now."""

    name: str
    most: int
    used: int


async def facts(connection: AsyncConnection) -> Facts:
    found = (await connection.execute(FACTS)).one()
    revision = await connection.scalar(text(REVISION)) if found.has_revision else None
    keeps_settings = found.statement_timeout == f"{PROBE['statement_timeout']}ms"
    return Facts(found.version, found.version_name, found.is_standby, found.is_read_only, revision, keeps_settings)


async def rooms(connection: AsyncConnection) -> list[Room]:
    return [Room(*row) for row in await connection.execute(ROOM)]


async def is_ready(database: ReadDatabase) -> bool:
    """Whether the tables are those of this version, or of a later one: those may be there before their service is.

    Raises:
        Overloaded, Unavailable, DBAPIError, OSError: the database cannot be asked.
    """

    async def read(driver: Any) -> Any:  # noqa: ANN401 - asyncpg's.
        return await driver.fetchval(REVISION)

    try:
        revision = await database.by_driver(read)
    except Exception as error:
        if sqlstate_of(error) == NO_TABLE:
            return False
        raise
    return revision is not None and str(revision) >= newest_revision()
