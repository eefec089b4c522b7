"""`make bench-bulk`: rows per second of bulks, from the first byte to the last outcome, held against their targets."""

import argparse
import asyncio
import gc
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any

import asyncpg
import orjson
from sqlalchemy import make_url

from benchmarks.feed_sql import database
from feed_service.commands.bulk.kinds import KINDS
from feed_service.commands.bulk.receiving import receive
from feed_service.commands.transaction import Writer
from feed_service.database import ReadDatabase, create_engine
from feed_service.imports.derived import EVERYTHING, refill
from feed_service.jobs.bulk import carry_out
from feed_service.migrations import migrate
from feed_service.operations.server import is_ready
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS

RESULTS = Path(__file__).parent / "results" / "bulk.json"
COPY = "bench_bulk"
PIECE_BYTES = 1 << 16

USERS, FOLLOWEES = 100_000, 40
NAMES = (
    "Ann",
    "Bo",
    "Chi",
    "Dora",
    "Emil",
    "Fay",
    "Gus",
    "Hana",
    "Ida",
    "Jo",
    "Kim",
    "Lou",
    "Mia",
    "Nils",
    "Ole",
    "Pia",
)
SURNAMES = ("Adams", "Berg", "Costa", "Diaz", "Evans", "Falk", "Gray", "Haas", "Ito", "Jung", "Kato", "Lund", "Maier")

MIN_ROWS_PER_S = 20_000

Line = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`target`: at least so many rows per second."""

    name: str
    kind: str
    lines: Callable[[int], Iterable[Line]]
    is_dry_run: bool = False
    target: int | None = None


@dataclass(frozen=True)
class Measured:
    """`cpu_us` is of the Python process, for each row; the rest of the time PostgreSQL works, or waits for its turn."""

    case: str
    rows: int
    receiving_s: float
    doing_s: float
    rows_per_s: int
    cpu_us: float
    outcomes: dict[str, int]

    def __str__(self) -> str:
        times = f"{self.receiving_s:>7.2f} s {self.doing_s:>7.2f} s {self.rows_per_s:>8,} rows/s {self.cpu_us:>6.1f} µs"
        return f"{self.case:34} {self.rows:>8,} rows {times}  {self.outcomes}"


def people(rows: int, *, words: str) -> Iterable[Line]:
    random = Random(1)
    for number in range(rows):
        name = f"{random.choice(NAMES)} {random.choice(SURNAMES)}"
        yield {
            "username": f"bench_{number}",
            "externalId": str(number),
            "displayName": name,
            "bio": f"{words} {number}",
        }


def scattered(rows: int) -> Iterable[Line]:
    """Anybody follows anybody: two other people in every line."""
    random = Random(2)
    for _ in range(rows):
        yield {"follower": random.randint(1, USERS), "followee": random.randint(1, USERS)}


def by_follower(rows: int) -> Iterable[Line]:
    """As exports have them: everybody with whom they follow, some of whom are followed by many."""
    random = Random(3)
    for number in range(rows):
        followee = int(USERS * random.random() ** 3) + 1
        yield {"follower": 1 + number // FOLLOWEES * 7 % USERS, "followee": followee}


def posts(rows: int) -> Iterable[Line]:
    return ({"post": 1 + number * 3} for number in range(rows))


CASES = (
    Case("users, new", "users", lambda rows: people(rows, words="New"), target=MIN_ROWS_PER_S),
    Case("users, changed", "users", lambda rows: people(rows, words="Changed"), target=MIN_ROWS_PER_S),
    Case("users, unchanged", "users", lambda rows: people(rows, words="Changed"), target=MIN_ROWS_PER_S),
    Case("follows, by follower", "follows", by_follower, target=MIN_ROWS_PER_S),
    Case("follows, scattered, a dry run", "follows", scattered, is_dry_run=True),
    Case("follows, scattered", "follows", scattered, target=MIN_ROWS_PER_S),
    Case("follows, there already", "follows", scattered, target=MIN_ROWS_PER_S),
    Case("unfollows, scattered", "unfollows", scattered),
    Case("posts deleted", "delete-posts", posts),
    Case("posts restored", "restore-posts", posts),
)


@asynccontextmanager
async def copied(url: str, name: str = COPY) -> AsyncIterator[str]:
    """A copy of a seeded database, which stays as it is."""
    parts = make_url(url).set(drivername="postgresql")
    copy = parts.set(database=name).render_as_string(hide_password=False)
    server = await asyncpg.connect(parts.set(database="postgres").render_as_string(hide_password=False))
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await server.execute(f'CREATE DATABASE {name} TEMPLATE "{parts.database}" STRATEGY FILE_COPY')
    try:
        if not await is_current(copy):
            await migrate(copy)
            await recount(copy)
        yield copy
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def is_current(url: str) -> bool:
    database = ReadDatabase.connect(url, pool_size=1)
    try:
        return await is_ready(database)
    finally:
        await database.close()


async def recount(url: str) -> None:
    """Numbers that an older version has counted differently would be found to be wrong in the middle of a bulk."""
    engine = create_engine(url, pool_size=1)
    async with engine.begin() as connection:
        await refill(connection, EVERYTHING, lambda *_: None)
    await engine.dispose()


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), PIECE_BYTES):
        yield body[at : at + PIECE_BYTES]


async def measured(writing: WriteDatabase, case: Case, rows: int) -> Measured:
    body = b"\n".join(map(orjson.dumps, case.lines(rows)))
    handed_over = bytearray()

    async def sink(lines: bytes) -> None:
        handed_over.extend(lines)

    started, cpu = perf_counter(), process_time()
    writer = Writer(writing, ANONYMOUS, "bench")
    bulk_id = await receive(writer, KINDS[case.kind], pieces(body), is_dry_run=case.is_dry_run)
    received = perf_counter()
    bulk = await carry_out(writing, bulk_id, sink)
    seconds, cpu = perf_counter() - started, process_time() - cpu
    if (outcomes := handed_over.count(b"\n")) != rows:
        raise SystemExit(f"{case.name}: {outcomes} outcomes for {rows} lines")
    times = (round(received - started, 3), round(seconds - (received - started), 3))
    return Measured(
        case.name, rows, *times, int(rows / seconds), round(cpu / rows * 1e6, 1), bulk["counts"]["outcomes"]
    )


async def run(url: str, rows: int, names: list[str]) -> list[Measured]:
    found: list[Measured] = []
    async with copied(url) as copy:
        writing = WriteDatabase.connect(copy)
        await measured(writing, Case("warm", "follows", by_follower), 10_000)
        for case in CASES:
            if not names or any(case.name.startswith(name) for name in names):
                found.append(await measured(writing, case, rows))
                print(found[-1], flush=True)
        await writing.close()
    return found


def verdicts(found: list[Measured]) -> list[dict[str, object]]:
    speeds = {line.case: line.rows_per_s for line in found}
    return [
        {
            "target": f"{case.name}, rows per second",
            "at_least": case.target,
            "found": speed,
            "met": speed >= case.target,
        }
        for case in CASES
        if case.target is not None and (speed := speeds.get(case.name)) is not None
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database, which stays as it is; its server gets a copy of it")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    arguments.add_argument("--rows", type=int, default=200_000)
    arguments.add_argument("--case", action="append", default=[], help="only cases that begin so; results are not kept")
    given = arguments.parse_args()
    gc.freeze()  # As the command does.
    with database(given.url, given.folder) as url:
        found = asyncio.run(run(url, given.rows, given.case))
    judged = verdicts(found)
    for verdict in judged:
        print("met   " if verdict["met"] else "MISSED", verdict)
    if not given.case:
        RESULTS.parent.mkdir(exist_ok=True)
        report = {"at": datetime.now(UTC).isoformat(), "load": round(os.getloadavg()[1], 1), "cores": os.cpu_count()}
        report |= {"targets": judged, "lines": [asdict(line) for line in found]}
        RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
