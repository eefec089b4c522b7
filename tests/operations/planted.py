"""A database in which all is wrong that a report should tell, and the sessions that are wrong in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service.database import create_engine
from feed_service.fingerprints import fingerprint
from feed_service.jobs.duties import DUTIES
from feed_service.jobs.upkeep import Upkeep
from feed_service.metering import LATENCY_S
from feed_service.models.partitions import Month
from feed_service.transactions import WriteDatabase
from tests.scratch import execute

NASTY = '<script>alert(1)</script> "quoted"'
SLOW = "SELECT pg_sleep($1::float8), count(*) FROM tags WHERE slug = 'planted'"
SLOW_NAME = f"queries.tags.planted-{fingerprint(SLOW)}"
FAR_MONTH = Month.of(datetime.now(UTC)).later(3)

STRUCTURE = [
    "CREATE SCHEMA other",
    'CREATE TABLE other."<script>alert(1)</script> ""quoted""" (id bigint PRIMARY KEY, "a b" bigint)',
    'CREATE INDEX "nasty <b>" ON other."<script>alert(1)</script> ""quoted""" ("a b")',
    "CREATE TABLE parents (id bigint PRIMARY KEY)",
    """CREATE TABLE large (id bigint PRIMARY KEY, parent_id bigint REFERENCES parents, a bigint, b bigint, c bigint,
    CONSTRAINT uq_large_a UNIQUE (a)) WITH (autovacuum_enabled = off)""",
    "CREATE INDEX large_unused ON large (c)",
    "CREATE INDEX large_b_one ON large (b, a)",
    "CREATE INDEX large_b_two ON large (b, a)",
    "CREATE INDEX large_beginning ON large (b)",
    "CREATE INDEX large_like_unique ON large (a)",
    "CREATE INDEX large_part ON large (parent_id) WHERE b > 0",
    "INSERT INTO parents SELECT n FROM generate_series(1, 5) n",
    "INSERT INTO large SELECT n, 1 + n % 5, n, n % 100, n FROM generate_series(1, 20000) n",
    "DELETE FROM parents WHERE id > 5",
    "ANALYZE large",
    "INSERT INTO users (username, display_name) VALUES ('ann', 'Ann')",
    """INSERT INTO posts (author_id, slug, title, body, status, published_at)
    VALUES (1, 'one', 'One', '', 'published', now())""",
]
LATE_AND_FAILED = """
    INSERT INTO jobs (kind, state, run_after, error, attempts, finished_at) VALUES
        ('planted late', 'waiting', now() - interval '2 hours', NULL, 0, NULL),
        ('planted failure', 'failed', now(), 'it broke on ''a secret''', 5, now())
"""
BUCKETS = [0] * (len(LATENCY_S) + 1)


def bucket(seconds: float, number: int) -> list[int]:
    found = list(BUCKETS)
    found[LATENCY_S.index(seconds)] = number
    return found


SERVED = {
    "seconds": 60.0,
    "operations": {"Slow": {"calls": 20, "errors": 1, "seconds": 4.0, "buckets": bucket(0.25, 20)}},
    "statements": {
        SLOW_NAME: {
            "fingerprint": fingerprint(SLOW), "calls": 20, "rows": 20, "seconds": 3.0, "longest": 0.2,
            "buckets": bucket(0.25, 20),
        }
    },
    "uses": [["Slow", SLOW_NAME, 20]],
    "repeats": [["Slow", SLOW_NAME, "tags.posts", 7]],
    "cache": {"popular": {"hit": 3, "miss": 1}},
    "entities": {"users": {"hits": 9, "misses": 1}},
    "pools": {"read": {"size": 10, "most": 9, "waits": 4, "waited": 2.5}},
}  # fmt: skip


async def plant(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for statement in ("CREATE EXTENSION pg_stat_statements", *STRUCTURE, LATE_AND_FAILED):
            await connection.exec_driver_sql(statement)
        await upkeep(url)
        await connection.exec_driver_sql("UPDATE post_stats SET like_count = 5")
        await connection.exec_driver_sql("UPDATE jobs SET run_after = now() WHERE kind = 'reconcile'")
        await upkeep(url)
        await connection.exec_driver_sql(f"DROP TABLE audit_events_{FAR_MONTH.year}_{FAR_MONTH.number:02}")
        await connection.exec_driver_sql("INSERT INTO post_views (post_id, user_id, hour) VALUES (1, 1, '2999-01-01')")
        for _ in range(12):
            await connection.exec_driver_sql("SELECT count(*) FROM large WHERE b + 0 = 7")
        await invalid_index(connection)
        await connection.exec_driver_sql("ALTER ROLE postgres PASSWORD NULL")
        told = {"data": orjson.dumps(SERVED).decode()}
        row = "INSERT INTO observations VALUES ('service', now() - interval '1 minute', 'one', CAST(:data AS jsonb))"
        await connection.execute(text(row), told)
    await engine.dispose()


async def invalid_index(connection: AsyncConnection) -> None:
    try:
        await connection.exec_driver_sql("CREATE UNIQUE INDEX CONCURRENTLY large_invalid ON large (b)")
    except Exception as error:  # noqa: BLE001 - the driver's, wrapped.
        assert "large_invalid" in str(error)


async def upkeep(url: str) -> None:
    """What `serve` does by itself: recount everything, keep a snapshot of the statements."""
    writing = WriteDatabase.connect(url, pool_size=1)
    duties = [duty for duty in DUTIES if duty.name in {"reconcile", "snapshot statements"}]
    await Upkeep(writing, duties).run_all()
    await writing.close()


async def run_slow(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    async with engine.connect() as connection:
        for _ in range(2):
            await connection.exec_driver_sql(SLOW, (0.15,))
    await engine.dispose()


@asynccontextmanager
async def stuck_and_blocked(url: str) -> AsyncIterator[tuple[int, int]]:
    """(pid of one that is idle in a transaction, pid of another that waits for its lock)."""
    engine = create_engine(url, pool_size=2)
    try:
        async with engine.connect() as stuck, engine.connect() as blocked:
            pids = [await connection.scalar(text("SELECT pg_backend_pid()")) for connection in (stuck, blocked)]
            await stuck.exec_driver_sql("UPDATE parents SET id = id WHERE id = 1")
            waiting = asyncio.create_task(one(blocked, "UPDATE parents SET id = id WHERE id = 1"))
            await asyncio.sleep(0.3)
            try:
                yield pids[0], pids[1]
            finally:
                await stuck.rollback()
                await waiting
    finally:
        await engine.dispose()


async def one(connection: AsyncConnection, statement: str) -> Any:  # noqa: ANN401 - whatever it answers.
    return await connection.exec_driver_sql(statement)


async def role_with(url: str, name: str, *grants: str) -> str:
    """The URL for a new role, which may connect and has what is granted."""
    await execute(url, f"DROP ROLE IF EXISTS {name}")
    await execute(url, f"CREATE ROLE {name} LOGIN")
    for grant in grants:
        await execute(url, grant)
    return url.replace("://postgres@", f"://{name}@")
