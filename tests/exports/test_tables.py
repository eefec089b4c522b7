"""Whole tables: exact to the character, resumable at every row, and without anything secret."""

import re
from datetime import datetime
from typing import Any

import orjson
import pytest
from sqlalchemy.dialects.postgresql import JSON

from feed_service import models
from feed_service.database import open_driver
from feed_service.errors import InvalidCursor, NotFound
from feed_service.exports import tables
from feed_service.exports.stream import ExportDatabase
from feed_service.exports.tables import table
from feed_service.queries import exports as queries
from feed_service.transactions import Statements, compiled
from tests.exports.reading import exported, key_of
from tests.imports.running import fetch
from tests.scratch import execute
from tests.world import world_on

TABLES = models.Base.metadata.tables
COLUMNS = [column for name in TABLES for column in TABLES[name].columns]
OF_SECRETS = {"attempt_counts", "mailed_tokens", "refresh_tokens"}
"""Their keys are hashes of secrets."""

FILL = """
    INSERT INTO users (username, display_name) SELECT 'user' || n, 'User ' || n FROM generate_series(1, 3) AS n;
    INSERT INTO posts (author_id, slug, title, body, status, published_at)
        SELECT 1, n, n, '', 'published', now() FROM generate_series(1, 3) AS n;
    INSERT INTO post_likes (user_id, post_id) SELECT u, p FROM generate_series(1, 3) AS u, generate_series(1, 3) AS p;
    INSERT INTO post_views (hour, post_id, user_id)
        SELECT to_timestamp(h * 3600.5), p, 1 FROM generate_series(1, 3) AS h, generate_series(1, 2) AS p;
    INSERT INTO external_ids (source, kind, external_id, local_id)
        VALUES ('snb', 'user', E'it''s "$1" \\\\ ü', 1), ('snb', 'user', '', 2), ('snb', 'post', E'\\n\\x01', 3);
    INSERT INTO jobs (kind, task) VALUES ('a', '{"b": [1, "\\n", null]}'), ('c', '{}')
"""


async def filled(url: str) -> None:
    for statement in FILL.split(";\n"):
        await execute(url, statement)


@pytest.mark.parametrize("name", ["users", "post_likes", "post_views", "external_ids", "jobs"])
async def test_an_export_goes_on_behind_any_row(empty_database_url: str, exports: ExportDatabase, name: str) -> None:
    await filled(empty_database_url)
    whole = await exported(exports, table(name))
    count = await fetch(empty_database_url, f"SELECT count(*) FROM {name}")  # noqa: S608 - one of ours.
    assert [(len(whole.rows),)] == count
    assert (whole.header["resumed"], whole.header["after"]) == (False, None)
    for number, row in enumerate(whole.rows, 1):
        rest = await exported(exports, table(name), after=key_of(row))
        assert rest.rows == whole.rows[number:]
        assert (rest.header["resumed"], rest.header["after"]) == (True, row["key"])


async def test_every_row_says_what_the_table_holds(empty_database_url: str, exports: ExportDatabase) -> None:
    async with world_on(empty_database_url) as world:
        characters = "".join(map(chr, range(1, 0xD800))) + "\U0001f642"
        post = await world.post(await world.user("ann"), "a\\b", body=characters)
    [row] = (await exported(exports, table("posts"))).rows
    assert (row["type"], row["key"]) == ("posts", ["posts", post.id])
    assert row["data"]["body"] == characters
    assert (row["data"]["title"], row["data"]["author_id"], row["data"]["edited_at"]) == ("a\\b", post.author_id, None)
    assert datetime.fromisoformat(row["data"]["published_at"]) == post.published_at
    assert row["data"]["published_at"].endswith("+00:00")
    assert list(row["data"]) == [column.name for column in TABLES["posts"].columns]


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-01-02 03:04:05.768210+02", "2026-01-02T01:04:05.768210+00:00"),
        ("2026-01-02 03:04:05.000006+00", "2026-01-02T03:04:05.000006+00:00"),
        ("2026-01-02 03:04:05+00", "2026-01-02T03:04:05.000000+00:00"),
        ("0099-01-02 00:00:00+00", "0099-01-02T00:00:00.000000+00:00"),
        ("infinity", "infinity"),
    ],
)
async def test_a_line_is_written_in_one_way(
    empty_database_url: str, exports: ExportDatabase, at: str, told: str
) -> None:
    """To the character: whoever compares two exports compares their lines."""
    await execute(empty_database_url, f"INSERT INTO post_views VALUES ('{at}', 9223372036854775807, 1)")  # noqa: S608
    lines: list[bytes] = []

    async def keep(chunk: bytes) -> None:
        lines.extend(chunk.splitlines())

    await exports.export(table("post_views"), keep)
    header, row, _ = lines
    assert row.decode() == (
        f'{{"type":"post_views","key":["post_views", 9223372036854775807, "{told}", 1],'
        f'"data":{{"hour":"{told}","post_id":9223372036854775807,"user_id":1}}}}'
    )
    assert re.fullmatch(r".*\.\d{6}\+00:00", orjson.loads(header)["takenAt"])


async def test_columns_that_may_be_empty_have_times_that_may_be_empty(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    await execute(empty_database_url, "INSERT INTO users (username, display_name) VALUES ('ann', '')")
    [row] = (await exported(exports, table("users"))).rows
    assert (row["data"]["suspended_at"], row["data"]["deleted_at"], row["data"]["bio"]) == (None, None, None)


@pytest.mark.parametrize("name", sorted(TABLES.keys() - OF_SECRETS))
async def test_every_table_can_be_exported(exports: ExportDatabase, name: str) -> None:
    export = await exported(exports, table(name))
    assert export.rows == []
    assert export.header["table"] == name
    assert export.header["columns"] == [c.name for c in TABLES[name].columns if str(c) not in tables.SECRET]


@pytest.mark.parametrize("name", [*sorted(OF_SECRETS), "alembic_version", "pg_authid", "posts; DROP TABLE posts", ""])
def test_what_is_no_table_of_ours_or_all_secret_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        table(name)


@pytest.mark.parametrize("column", [column for column in COLUMNS if tables.is_suspicious(column)], ids=str)
def test_every_column_that_may_be_secret_is_judged(column: Any) -> None:  # noqa: ANN401 - a column of any type.
    """It stays hidden until it is named in `exports.tables`, as SECRET or as OPEN."""
    assert tables.is_hidden(column) == (str(column) in tables.SECRET)
    assert (str(column) in tables.SECRET) != (str(column) in tables.OPEN)


def test_no_judgement_outlives_its_column() -> None:
    assert {str(column) for column in COLUMNS} >= tables.SECRET | tables.OPEN


def test_no_column_writes_line_feeds_into_a_line() -> None:
    """The type json keeps its text as it came; jsonb does not."""
    assert not [column for column in COLUMNS if type(column.type) is JSON]


async def test_what_is_secret_never_appears(empty_database_url: str, exports: ExportDatabase) -> None:
    async with world_on(empty_database_url) as world:
        user = await world.user("ann")
        await world.add(models.AuditKey(user_id=user.id, key=b"the secret"))
        await world.add(models.IdempotencyKey(user_id=user.id, mutation="like", key="k", request_hash=b"the hash"))
    [audit_key], [idempotency_key] = [
        (await exported(exports, table(name))).data for name in ("audit_keys", "idempotency_keys")
    ]
    assert list(audit_key) == ["user_id", "created_at"]
    assert list(idempotency_key) == ["user_id", "mutation", "key", "made", "created_at"]


@pytest.mark.parametrize(
    "after",
    [
        "",
        "7",
        "[",
        "[]",
        "{}",
        '["users"]',
        '["users", 1, 2]',
        '["posts", 1]',
        '["users", "1"]',
        '["users", 1.0]',
        '["users", true]',
        '["users", null]',
        '["users", 9223372036854775808]',
        '["users", [1]]',
        '["users", 1]' + " " * 4_000,
        "\x00",
    ],
)
def test_a_key_of_something_else_is_refused(after: str) -> None:
    with pytest.raises(InvalidCursor):
        table("users").parts(after)


@pytest.mark.parametrize("hour", ["1", "2026-01-01", "2026-01-01T00:00:00", "infinity", "\\u0000"])
def test_a_time_that_is_none_is_refused(hour: str) -> None:
    with pytest.raises(InvalidCursor):
        table("post_views").parts(f'["post_views", 1, "{hour}", 1]')


async def test_a_whole_table_is_read_along_its_key(empty_database_url: str, exports: ExportDatabase) -> None:
    """Otherwise PostgreSQL sorts five million likes on disk before it gives the first."""
    await filled(empty_database_url)
    for after in (None, '["post_likes", 1, 1]'):
        likes, names, values = compiled(table("post_likes").parts(after)[0][1])
        async with exports.engine.connect() as connection:
            driver = await open_driver(connection)
            async with driver.transaction():
                await Statements(driver).row(compiled(queries.along_key()))
                plan = await driver.fetch(f"EXPLAIN {likes}", *(values[name] for name in names))
        assert "Index Scan using pk_post_likes" in str(plan)
        assert "Sort" not in str(plan)
