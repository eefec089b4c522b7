"""What following very many costs the database: FEED for one who follows 50 authors, and for one who follows 5,000."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.asking import Operation, document, tokens_of
from benchmarks.entrants import NO_CACHES
from benchmarks.feed_viewers import added, forget
from benchmarks.judging import Target
from benchmarks.served import UNCACHED, fired, running
from benchmarks.spoken import Spoken
from feed_service.app import signing_keys
from feed_service.settings import Settings

SIZES = (50, 5_000)
TEMPER = "active"
ASKED = 200
MOST_OVER = 4.0


def measured(url: str) -> tuple[dict[str, Any], list[Target]]:
    """Milliseconds in PostgreSQL for each feed, by number of followees, from pg_stat_statements."""
    people = asyncio.run(made(url))
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": str(Path(folder)), "FEED_JOBS": "off", **NO_CACHES}
        tokens = tokens_of(people, signing_keys(Settings.from_environment(environment)))
        with running("the service", UNCACHED, environment) as server:
            times = {}
            for size, viewer in zip(SIZES, people, strict=True):
                feed = Operation("feed", document("feed"), [(viewer, {})] * ASKED)
                times[size] = of_database(url, server.port, feed, tokens)
    asyncio.run(gone(url))
    few, many = times[SIZES[0]], times[SIZES[1]]
    note = f"{many:.2f} and {few:.2f} ms"
    target = Target("FEED: database time at 5,000 followees over 50", round(many / few, 2), MOST_OVER, True, note)
    return {"ms": times}, [target]


def of_database(url: str, port: int, feed: Operation, tokens: dict[int, str]) -> float:
    pollers = feed.pollers(tokens)
    fired(port, 1, 0, pollers[:20])
    with Spoken(url) as spoken:
        found = fired(port, 1, 0, pollers)
        return round(sum(one.ms for one in spoken.found().values()) / sum(found.statuses.values()), 3)


async def made(url: str) -> Sequence[int]:
    connection = await asyncpg.connect(url)
    try:
        await forget(connection)
        return [(await added(connection, size, TEMPER)).user_id for size in SIZES]
    finally:
        await connection.close()


async def gone(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await forget(connection)
    finally:
        await connection.close()
