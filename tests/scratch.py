"""Scratch databases: made from a template, emptied, dropped. Nothing else on the server is touched."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

EMPTY = """
DO $$
DECLARE
    name text;
    is_filled boolean;
    filled text[] := '{}';
BEGIN
    FOR name IN SELECT oid::regclass::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO is_filled;
        IF is_filled THEN filled := filled || name; END IF;
    END LOOP;
    FOREACH name IN ARRAY filled LOOP
        IF name LIKE 'audit_events%' THEN EXECUTE 'ALTER TABLE ' || name || ' DISABLE TRIGGER USER'; END IF;
    END LOOP;
    IF filled <> '{}' THEN EXECUTE 'TRUNCATE ' || array_to_string(filled, ', ') || ' CASCADE'; END IF;
    FOREACH name IN ARRAY filled LOOP
        IF name LIKE 'audit_events%' THEN EXECUTE 'ALTER TABLE ' || name || ' ENABLE TRIGGER USER'; END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""
"""Truncates only what is filled, of partitions too: a TRUNCATE of everything costs more than most tests. Ids begin at 1
again."""


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
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()
