"""Scratch databases: made from a template, emptied, dropped. Nothing else on the server is touched."""
# ruff: noqa: S608 - the statements are made of the names of our own tables.

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url

from feed_service import models
from feed_service.models.partitions import MONTHLY

PARTITIONED = frozenset(monthly.table for monthly in MONTHLY)
"""They have no pages of their own to look at."""

MUCH_BYTES = 200_000
"""Of a table that is truncated: that takes 2 ms for each table which refers to it, as almost all do to users."""

DELETE = "\n".join(
    f"""
    IF {"true" if table.name in PARTITIONED else f"pg_relation_size('{table.name}') > 0"}
        AND EXISTS (SELECT FROM {table.name}) THEN DELETE FROM {table.name}; END IF;"""
    for table in reversed(models.Base.metadata.sorted_tables)
)

EMPTY = f"""
DO $$
DECLARE
    large text;
    name text;
    has_audited boolean := EXISTS (SELECT FROM audit_events);
BEGIN
    SELECT string_agg(oid::regclass::text, ', ') INTO large FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
            AND pg_relation_size(oid) > {MUCH_BYTES};
    IF has_audited THEN
        FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_events'::regclass LOOP
            EXECUTE 'ALTER TABLE ' || name || ' DISABLE TRIGGER USER';
        END LOOP;
        ALTER TABLE audit_events DISABLE TRIGGER USER;
    END IF;
    IF large IS NOT NULL THEN EXECUTE 'TRUNCATE ' || large || ' CASCADE'; END IF;
    {DELETE}
    IF has_audited THEN
        FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_events'::regclass LOOP
            EXECUTE 'ALTER TABLE ' || name || ' ENABLE TRIGGER USER';
        END LOOP;
        ALTER TABLE audit_events ENABLE TRIGGER USER;
    END IF;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""
"""Deletes the few rows of most tests, and truncates what is large. Ids begin at 1 again."""


@asynccontextmanager
async def scratch_database(server_url: str, template: str = "template0") -> AsyncIterator[str]:
    """The URL of a new copy of the database `template`, dropped at the end whoever is still connected."""
    name = f"feed_test_{secrets.token_hex(6)}"
    encoding = " ENCODING 'UTF8'" if template == "template0" else ""
    await execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"{encoding}')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        await execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def empty(database_url: str) -> None:
    await execute(database_url, EMPTY)


async def execute(url: str, statement: str) -> None:
    """By the driver alone: SQLAlchemy asks a new connection for 10 ms, as often as there are tests."""
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
