"""The demo set: what a newcomer finds, and that it is never added to somebody's data."""

import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from feed_service.imports.demo import load_demo
from feed_service.imports.demo.load import CONTENT
from feed_service.imports.demo.posts import Line, thread_lines
from tests.imports.recount import assert_every_number_is_right
from tests.imports.running import contents, engine_for, fetch

NOW = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)

HOME = """
    SELECT count(*), count(DISTINCT author_id) FROM posts p JOIN users me ON me.username = 'demo'
    WHERE status = 'published' AND p.deleted_at IS NULL
      AND author_id NOT IN (SELECT blocked_id FROM blocks WHERE blocker_id = me.id)
      AND author_id NOT IN (SELECT muted_id FROM mutes WHERE muter_id = me.id)
      AND (author_id = me.id
           OR author_id IN (SELECT followee_id FROM user_follows WHERE follower_id = me.id)
           OR EXISTS (SELECT FROM post_tags JOIN tag_follows USING (tag_id) WHERE post_id = p.id AND user_id = me.id))
"""


@pytest_asyncio.fixture(scope="module", name="url")
async def loaded(module_database_url: str) -> AsyncIterator[str]:
    async with engine_for(module_database_url) as engine:
        assert await load_demo(engine, NOW) is not None
    yield module_database_url


async def test_the_home_feed_of_the_demo_viewer_is_rich(url: str) -> None:
    assert await fetch(url, HOME) == [(52, 12)]


async def test_times_are_relative_to_the_loading(url: str) -> None:
    newest, oldest = (
        await fetch(url, "SELECT max(published_at), min(published_at) FROM posts WHERE status = 'published'")
    )[0]
    assert newest == NOW - timedelta(hours=1)
    assert NOW - timedelta(days=14) < oldest
    assert await fetch(url, "SELECT count(*) FROM comments WHERE created_at > :now", now=NOW) == [(0,)]


async def test_there_is_one_of_everything_that_a_front_end_must_show(url: str) -> None:
    statement = "SELECT status, count(*) FROM posts GROUP BY status ORDER BY status"
    posts = len(tomllib.loads(CONTENT.read_text(encoding="utf-8"))["posts"])
    assert await fetch(url, statement) == [("draft", 1), ("published", posts - 2), ("scheduled", 1)]
    assert await fetch(url, "SELECT count(*) FROM blocks") == [(1,)]
    assert await fetch(url, "SELECT count(*) FROM mutes") == [(1,)]
    tombstone = (
        "SELECT descendant_count FROM comments JOIN comment_stats ON comment_id = id WHERE deleted_at IS NOT NULL"
    )
    assert sorted(await fetch(url, tombstone)) == [(1,), (2,)]
    assert await fetch(url, "SELECT max(octet_length(path) / 16) FROM comments") == [(8,)]


async def test_nobody_follows_or_likes_across_a_block(url: str) -> None:
    follows = "SELECT count(*) FROM user_follows f JOIN blocks ON (blocker_id, blocked_id) IN"
    assert await fetch(url, f"{follows} ((follower_id, followee_id), (followee_id, follower_id))") == [(0,)]
    likes = "SELECT count(*) FROM post_likes JOIN posts p ON p.id = post_id JOIN blocks ON (blocker_id, blocked_id) IN"
    assert await fetch(url, f"{likes} ((user_id, author_id), (author_id, user_id))") == [(0,)]


async def test_every_number_is_right(url: str) -> None:
    await assert_every_number_is_right(url)


async def test_a_database_with_users_is_left_alone(url: str) -> None:
    before = await contents(url)
    async with engine_for(url) as engine:
        assert await load_demo(engine, NOW) is None
    assert await contents(url) == before


@pytest.mark.parametrize(
    ("thread", "lines"),
    [
        ("", []),
        ("ada: a: b", [Line(0, "ada", "a: b", is_deleted=False)]),
        ("\nada: a\n  - bo: b\n", [Line(0, "ada", "a", is_deleted=False), Line(1, "bo", "b", is_deleted=True)]),
    ],
)
def test_a_thread_is_read_by_its_indentation(thread: str, lines: list[Line]) -> None:
    assert thread_lines(thread) == lines
