"""A database ten times as large, by SQL alone: nine more worlds beside the seeded one, each as dense as it is.

Everybody's own rows stay what they were; what grows are the tables and indexes that they lie in. The copies of posts
have short texts, and no comments or likes.
"""

import asyncpg

WORLDS = 10
STEP = "SELECT greatest((SELECT max(id) FROM users), (SELECT max(id) FROM posts)) + 1"
DROPPED = """
    SELECT format('DROP INDEX %s', indexrelid::regclass) AS drop, pg_get_indexdef(indexrelid) AS make
    FROM pg_index WHERE NOT indisunique AND indrelid = ANY ($1::regclass[])
"""
TABLES = ("users", "user_stats", "posts", "post_stats", "post_tags", "post_rank", "post_search", "user_follows")
MOVED = {
    "users": ("id",),
    "user_stats": ("user_id",),
    "posts": ("id", "author_id"),
    "post_stats": ("post_id",),
    "post_tags": ("post_id", "author_id"),
    "post_rank": ("post_id", "author_id"),
    "post_search": ("post_id", "author_id"),
    "user_follows": ("follower_id", "followee_id"),
}
"""Ids, which are moved by a step for each world."""

CHANGED = {
    ("users", "username"): "username || '_' || {world}",
    ("posts", "slug"): "slug || '-' || {world}",
    ("posts", "body"): "left(body, 100)",
    ("post_search", "document"): "ts_filter(document, '{{a}}')",
    ("post_stats", "like_count"): "0",
    ("post_stats", "comment_count"): "0",
    ("post_stats", "commenter_count"): "0",
}
"""Unique texts get the number of their world; long ones are cut, and words in titles are found as before."""

COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


async def grow(url: str) -> None:
    """`url` is a copy of a seeded database, which becomes ten times as large."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET maintenance_work_mem = '1GB'; SET session_replication_role = replica")
        step = await connection.fetchval(STEP)
        dropped = await connection.fetch(DROPPED, list(TABLES))
        for index in dropped:
            await connection.execute(index["drop"])
        for table in TABLES:
            columns = [row["attname"] for row in await connection.fetch(COLUMNS, table)]
            for world in range(1, WORLDS):
                await connection.execute(copying(table, columns, world, step))
            print(f"{table}: {WORLDS} worlds", flush=True)
        for index in dropped:
            await connection.execute(index["make"])
            print(index["make"], flush=True)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def copying(table: str, columns: list[str], world: int, step: int) -> str:
    """The seeded world lies below the step."""

    def value(column: str) -> str:
        if column in MOVED[table]:
            return f"{column} + {world * step}"
        return CHANGED.get((table, column), column).format(world=world)

    names, values = ", ".join(columns), ", ".join(value(column) for column in columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {MOVED[table][0]} < {step}"  # noqa: S608
