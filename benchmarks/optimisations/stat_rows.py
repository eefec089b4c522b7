"""Stat rows: public numbers are counted for each request, or stand in a row that every write keeps right."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.optimisations.cases import Case, Optimisation, Side
from benchmarks.optimisations.ground import Ground
from feed_service.database import ReadDatabase
from feed_service.queries import counters, stats
from feed_service.queries.prepared import Build, for_ids

PAGE, PAGES = 20, 10

MOST_LIKED = "SELECT post_id FROM post_stats ORDER BY like_count DESC, post_id LIMIT $1"
NEWEST = "SELECT id FROM posts WHERE deleted_at IS NULL AND published_at <= now() ORDER BY published_at DESC LIMIT $1"
MOST_FOLLOWED = "SELECT user_id FROM user_stats ORDER BY follower_count DESC, user_id LIMIT $1"

OF_POSTS = {"like_count": "like_count", "comment_count": "comment_count", "bookmark_count": "bookmark_count"} | {
    "unique_commenter_count": "commenter_count"
}
OF_USERS = {name: name for name in ("post_count", "follower_count", "following_count", "received_like_count")}
"""Numbers by their names in `counters`, and in `stats`."""


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    database = ReadDatabase.connect(ground.url, pool_size=1)
    try:
        yield [
            await case(database, "20 most liked posts", MOST_LIKED, OF_POSTS, stats.post_numbers, counters.of_posts),
            await case(database, "20 new posts", NEWEST, OF_POSTS, stats.post_numbers, counters.of_posts),
            await case(database, "20 people", MOST_FOLLOWED, OF_USERS, stats.user_numbers, counters.of_users),
        ]
    finally:
        await database.close()


async def case(
    database: ReadDatabase, name: str, which: str, numbers: Mapping[str, str], counted: Build, stored: Build
) -> Case:
    ids = [row[0] for row in await database.by_driver(lambda driver: driver.fetch(which, PAGE * PAGES))]
    pages = [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]

    def side(build: Build, names: Sequence[str]) -> Side:
        async def ask(turn: int) -> dict[int, list[Any]]:
            rows = await database.rows(*for_ids(build, pages[turn % len(pages)]))
            return {row[0]: [getattr(row, name) for name in names] for row in rows}

        return Side(ask)

    return Case(name, len(pages), side(counted, [*numbers.values()]), side(stored, [*numbers]), [database])


STAT_ROWS = Optimisation(
    "Stat rows",
    "likes, comments, bookmarks and followers are counted whenever they are shown, each table by itself",
    "one row for each post or person, kept right by every write",
    cases,
)
