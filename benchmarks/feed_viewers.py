"""Viewers to measure feeds with: they follow few to very many, of every temper, and 20 tags. They leave nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

SIZES = (23, 50, 500, 5_000)

TEMPERS = {
    "active": "count(*) DESC",
    "typical": "md5(author_id::text)",
    "quiet": "max(published_at)",
    "former": "count(*) < 5, max(published_at)",
}
"""Authors by number of posts; at random; longest silent; longest silent of those with five posts or more."""

ADD_USER = "INSERT INTO users (username, display_name) VALUES ($1, 'Benchmark') RETURNING id"
FOLLOW = """
    WITH followed AS (
        INSERT INTO user_follows (follower_id, followee_id)
        SELECT $1, author_id FROM posts WHERE deleted_at IS NULL AND published_at <= now() GROUP BY author_id
        ORDER BY {order}, author_id LIMIT $2 RETURNING followee_id
    ), hidden AS (
        SELECT followee_id, row_number() OVER (ORDER BY followee_id) AS n FROM followed LIMIT 6
    ), muted AS (
        INSERT INTO mutes (muter_id, muted_id) SELECT $1, followee_id FROM hidden WHERE n <= 3
    ), blocked AS (
        INSERT INTO blocks (blocker_id, blocked_id) SELECT followee_id, $1 FROM hidden WHERE n > 3
    )
    INSERT INTO user_stats (user_id, following_count) SELECT $1, count(*) FROM followed
"""
FOLLOW_TAGS = """
    INSERT INTO tag_follows (user_id, tag_id)
    SELECT $1, tag_id FROM (
        SELECT tag_id, row_number() OVER (ORDER BY count(*) DESC, tag_id) AS place FROM post_tags GROUP BY tag_id
    ) AS by_use WHERE place % 5 = 0 AND place <= 100
"""
FORGET = (
    "DELETE FROM user_follows WHERE follower_id = ANY($1)",
    "DELETE FROM tag_follows WHERE user_id = ANY($1)",
    "DELETE FROM mutes WHERE muter_id = ANY($1)",
    "DELETE FROM blocks WHERE blocked_id = ANY($1)",
    "DELETE FROM user_stats WHERE user_id = ANY($1)",
    "DELETE FROM users WHERE id = ANY($1)",
)


@dataclass(frozen=True)
class BenchViewer:
    user_id: int
    follows: int
    temper: str

    def __str__(self) -> str:
        return f"{self.follows} {self.temper}"


@asynccontextmanager
async def viewers(connection: asyncpg.Connection) -> AsyncIterator[list[BenchViewer]]:
    """Viewers that the statistics know nothing about, as if they had just come."""
    await forget(connection)
    try:
        yield [await added(connection, size, temper) for size in SIZES for temper in TEMPERS]
    finally:
        await forget(connection)


async def added(connection: asyncpg.Connection, follows: int, temper: str) -> BenchViewer:
    user_id = await connection.fetchval(ADD_USER, f"bench_{follows}_{temper}")
    await connection.execute(FOLLOW.format(order=TEMPERS[temper]), user_id, follows)
    await connection.execute(FOLLOW_TAGS, user_id)
    return BenchViewer(user_id, follows, temper)


async def forget(connection: asyncpg.Connection) -> None:
    found = await connection.fetch(r"SELECT id FROM users WHERE username LIKE 'bench\_%'")
    for statement in FORGET:
        await connection.execute(statement, [row["id"] for row in found])
    await connection.execute("VACUUM user_follows, tag_follows, users")
