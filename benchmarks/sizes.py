"""`make bench-sizes`: pages that each operation reads on the seeded database, and on one of ten times as many posts.

The large one is made beside the small one (see `grown`), kept as bench_large, and used again the next time.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
from sqlalchemy import make_url

from benchmarks.asking import NAMES, TURNS, Cast, Operation, operation, tokens_of
from benchmarks.entrants import NO_CACHES
from benchmarks.feed_sql import database
from benchmarks.grown import grow
from benchmarks.judging import Target
from benchmarks.machine import described, in_words
from benchmarks.mix import since
from benchmarks.served import UNCACHED, fired, running
from benchmarks.spoken import Spoken
from feed_service.app import signing_keys
from feed_service.settings import Settings

RESULTS = Path(__file__).parent / "results" / "sizes.json"
LARGE = "bench_large"
MOST_OVER = 1.2


async def large(url: str) -> str:
    """The URL of the large database; making it takes a quarter of an hour and 30 GB."""
    parts = make_url(url).set(drivername="postgresql")
    copy = parts.set(database=LARGE).render_as_string(hide_password=False)
    server = await asyncpg.connect(parts.set(database="postgres").render_as_string(hide_password=False))
    try:
        if await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", LARGE):
            return copy
        unfinished = f"{LARGE}_unfinished"
        await server.execute(f"DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")
        await server.execute(f'CREATE DATABASE {unfinished} TEMPLATE "{parts.database}" STRATEGY FILE_COPY')
        begun = perf_counter()
        await grow(parts.set(database=unfinished).render_as_string(hide_password=False))
        print(f"Made in {perf_counter() - begun:.0f} s.")
        await server.execute(f"ALTER DATABASE {unfinished} RENAME TO {LARGE}")
    finally:
        await server.close()
    return copy


def pages(url: str, cast: Cast) -> dict[str, float]:
    """Of each operation, for one request: what its statements read, from the cache or not (pg_stat_statements)."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": folder, "FEED_JOBS": "off", **NO_CACHES}
        tokens = tokens_of(cast.viewers, signing_keys(Settings.from_environment(environment)))
        with running("the service", UNCACHED, environment) as server:
            return {name: read(url, server.port, operation(name, cast), tokens) for name in NAMES}


def read(url: str, port: int, what: Operation, tokens: dict[int, str]) -> float:
    pollers = since(port, what, tokens) if what.name == "head" else what.pollers(tokens)
    fired(port, 1, 0, pollers)
    with Spoken(url) as spoken:
        found = fired(port, 1, 0, pollers)
        if set(found.statuses) != {"200"}:
            raise SystemExit(f"{what.name}: {found.statuses}")
        return round(sum(one.buffers for one in spoken.found().values()) / TURNS, 1)


def measured(url: str, large_url: str) -> tuple[dict[str, Any], list[Target]]:
    """The same people and posts in both."""
    cast = Cast.of(url)
    found = {"small": pages(url, cast), "large": pages(large_url, cast)}
    lines = []
    for name in NAMES:
        small, big = found["small"][name], found["large"][name]
        note = f"{big:g} and {small:g} pages"
        ratio = round(big / small, 2) if small else None
        lines.append(Target(f"{name.upper()}: pages at ten times the posts", ratio, MOST_OVER, True, note))
    return found, lines


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database, which stays as it is")
    arguments.add_argument("--large-url", help="one of ten times as many posts; made on the same server unless given")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    given = arguments.parse_args()
    with database(given.url, given.folder) as url:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        about = described(plain)
        found, lines = measured(plain, given.large_url or asyncio.run(large(plain)))
    print(in_words(about), *lines, sep="\n")
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"targets": [line.line() for line in lines], "machine": about, "pages": found}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
