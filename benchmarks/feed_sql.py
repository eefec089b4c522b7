"""`make bench-feed-sql`: buffers and times of the feed query for every kind of viewer, held against its targets."""

import argparse
import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from benchmarks.feed_viewers import BenchViewer, viewers
from benchmarks.statements import MODES, Sent, buffers, milliseconds
from feed_service.database import create_engine, migrate
from feed_service.embedded import postgres
from feed_service.errors import ConfigurationError
from feed_service.imports.seed import SeedPlan, seed
from feed_service.paging import Slice
from feed_service.queries import feeds
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder

RESULTS = Path(__file__).parent / "results" / "feed_sql.json"
SEEDED = SeedPlan(users=100_000, posts=500_000, comments=0, likes=0, follows=2_000_000)
KINDS = (FeedKind.FOLLOWING_USERS, FeedKind.HOME)
PAGE = 20

DEEP = "SELECT published_at FROM posts WHERE published_at <= now() ORDER BY 1 DESC OFFSET 200000 LIMIT 1"
INSERTS = """
    WITH written AS (
        INSERT INTO posts (author_id, slug, title, body, status, published_at)
        SELECT author_id, 'bench-' || id, '', '', 'published', now() - random() * interval '1 hour'
        FROM posts ORDER BY md5(id::text) LIMIT 10000 RETURNING id, author_id, published_at
    )
    INSERT INTO post_tags (post_id, tag_id, author_id, published_at)
    SELECT written.id, tag_id, author_id, published_at FROM written
    JOIN (SELECT tag_id, row_number() OVER (ORDER BY tag_id) % 200 AS n FROM tag_stats) AS tag
        ON tag.n = written.id % 200
"""


@dataclass(frozen=True)
class Measured:
    """One line of the table: the times are medians in milliseconds, by plan."""

    data: str
    follows: int
    temper: str
    page: str
    kind: str
    buffers: dict[str, int]
    ms: dict[str, float]

    def __str__(self) -> str:
        pages = " ".join(f"{self.buffers[mode]:>7}" for mode in MODES)
        times = " ".join(f"{self.ms[mode]:>8.2f}" for mode in MODES)
        return f"{self.data:8} {self.follows:>5} {self.temper:8} {self.page:14} {self.kind:16} {pages} {times}"


def pages(deep: datetime) -> dict[str, tuple[PostOrder, Slice]]:
    key = (deep, 0)
    return {
        "first": (PostOrder.NEWEST, Slice(PAGE)),
        "deep": (PostOrder.NEWEST, Slice(PAGE, after=key)),
        "deep backwards": (PostOrder.NEWEST, Slice(PAGE, backwards=True, before=key)),
        "last": (PostOrder.NEWEST, Slice(PAGE, backwards=True)),
        "oldest first": (PostOrder.OLDEST, Slice(PAGE)),
        "probe": (PostOrder.NEWEST, Slice(1, backwards=True, before=key, is_inclusive=True)),
    }


async def measured(
    connection: asyncpg.Connection, data: str, people: Iterable[BenchViewer], runs: int
) -> list[Measured]:
    found = []
    for page, (order, part) in pages(await connection.fetchval(DEEP)).items():
        for viewer in people:
            for kind in KINDS:
                sent = Sent.of(feeds.by_time(Viewer(viewer.user_id), kind, order, part))
                read = {mode: await buffers(connection, sent, mode) for mode in MODES}
                times = {mode: await milliseconds(connection, sent, mode, runs) for mode in MODES}
                found.append(Measured(data, viewer.follows, viewer.temper, page, kind, read, times))
                print(found[-1], flush=True)
    return found


async def run(url: str, runs: int) -> list[Measured]:
    parts = make_url(url)
    plain = parts.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain, server_settings={"jit": "off"})
    try:
        async with viewers(connection) as people:
            found = await measured(connection, "vacuumed", people, runs)
            inserted = connection.transaction()
            await inserted.start()
            await connection.execute(INSERTS)
            found += await measured(connection, "inserted", people, runs)
            await inserted.rollback()
    finally:
        await connection.close()
    return found


def verdicts(found: list[Measured]) -> list[dict[str, Any]]:
    """The worst of each group of lines against the target of the issue."""
    users = [line for line in found if line.kind == FeedKind.FOLLOWING_USERS]
    home = {(line.data, line.follows, line.temper, line.page): line for line in found if line.kind == FeedKind.HOME}
    twice = [(home[line.data, line.follows, line.temper, line.page], line) for line in users]
    groups: list[tuple[str, float, Iterable[float]]] = [
        ("FOLLOWING_USERS, up to 500, ms", 1.5, (line.ms["served"] for line in users if line.follows <= 500)),
        (
            "FOLLOWING_USERS, 5,000 active, ms",
            2.5,
            (line.ms["served"] for line in users if line.follows > 500 and line.temper in {"active", "typical"}),
        ),
        ("FOLLOWING_USERS, worst case, ms", 12, (line.ms["served"] for line in users)),
        ("HOME over FOLLOWING_USERS, buffers", 2, (one.buffers["served"] / of.buffers["served"] for one, of in twice)),
        ("HOME over FOLLOWING_USERS, time", 2, (one.ms["served"] / of.ms["served"] for one, of in twice)),
        ("generic over custom, buffers", 1.5, (line.buffers["generic"] / line.buffers["custom"] for line in found)),
    ]
    return [{"target": name, "limit": limit, "worst": round(max(values), 2)} for name, limit, values in groups]


async def filled(url: str) -> None:
    await migrate(url)
    engine = create_engine(url)
    try:
        await seed(engine, SEEDED, lambda *_: None)
    except ConfigurationError:
        print("Seeded before.")
    finally:
        await engine.dispose()


@contextmanager
def database(url: str | None, folder: Path) -> Iterator[str]:
    """The given database, or a seeded one on a server of its own, kept in `folder` for the next time."""
    if url:
        yield url
        return
    with postgres.running(folder, durable=False, shared_buffers="1GB") as server:
        print(f"Seeding {folder} with 500,000 posts; this takes minutes the first time.")
        asyncio.run(filled(server.dsn))
        yield server.dsn


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database; rows named bench_* come and go in it")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    arguments.add_argument("--runs", type=int, default=60)
    given = arguments.parse_args()
    with database(given.url, given.folder) as url:
        found = asyncio.run(run(url, given.runs))
    judged = verdicts(found)
    for verdict in judged:
        print(f"{'met ' if verdict['worst'] <= verdict['limit'] else 'MISSED'} {verdict}")
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"at": datetime.now(UTC).isoformat(), "targets": judged, "lines": [asdict(line) for line in found]}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
