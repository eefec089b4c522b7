"""Seeded data: the same plan gives the same rows, the promised people are there, and every number is right."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from feed_service.errors import ConfigurationError
from feed_service.imports.derived import EVERYTHING, Scope, refill
from feed_service.imports.seed import SeedPlan, seed
from tests.imports.recount import assert_every_number_is_right
from tests.imports.running import contents, engine_for, fetch, silent
from tests.scratch import execute

UNTIL = datetime(2026, 1, 2, tzinfo=UTC)
PLAN = SeedPlan(users=300, posts=600, comments=1_500, likes=3_000, follows=2_500, seed=7, until=UNTIL)

SCHEMA = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2
"""


async def fill(url: str, plan: SeedPlan) -> None:
    async with engine_for(url) as engine:
        await seed(engine, plan, silent)


@pytest_asyncio.fixture(scope="module", name="url")
async def seeded(module_database_url: str) -> AsyncIterator[str]:
    before = await fetch(module_database_url, SCHEMA)
    await fill(module_database_url, PLAN)
    assert await fetch(module_database_url, SCHEMA) == before, "an index or a foreign key did not come back"
    yield module_database_url


async def test_there_is_as_much_as_was_asked_for(url: str) -> None:
    counted = (
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts), (SELECT count(*) FROM comments),"
        " (SELECT count(*) FROM user_follows), (SELECT count(*) FROM post_likes) + (SELECT count(*) FROM comment_likes)"
    )
    assert await fetch(url, counted) == [(300, 600, 1_500, 2_500, 3_000)]


@pytest.mark.parametrize(
    "plan",
    [
        SeedPlan(users=10, posts=0, comments=0, likes=0, follows=0, until=UNTIL),
        SeedPlan(users=10, posts=1, comments=1, likes=2, follows=0, until=UNTIL),
        SeedPlan(users=10, posts=400, comments=1, likes=1_000, follows=22, until=UNTIL),
    ],
)
async def test_very_small_plans_work(empty_database_url: str, plan: SeedPlan) -> None:
    await fill(empty_database_url, plan)
    likes = "SELECT (SELECT count(*) FROM post_likes) + (SELECT count(*) FROM comment_likes)"
    assert await fetch(empty_database_url, likes) == [(plan.likes,)]
    await assert_every_number_is_right(empty_database_url)


async def test_the_same_plan_gives_the_same_rows(url: str, empty_database_url: str) -> None:
    await fill(empty_database_url, PLAN)
    assert await contents(empty_database_url) == await contents(url)


async def test_another_seed_gives_other_rows(url: str, empty_database_url: str) -> None:
    await fill(empty_database_url, SeedPlan(users=300, posts=600, seed=8, until=UNTIL, comments=0, likes=0, follows=0))
    titles = "SELECT title FROM posts ORDER BY id"
    assert await fetch(empty_database_url, titles) != await fetch(url, titles)


async def test_every_number_is_right(url: str) -> None:
    await assert_every_number_is_right(url)


async def test_the_promised_people_are_there(url: str) -> None:
    follows = (
        "SELECT username, (SELECT count(*) FROM user_follows WHERE follower_id = id),"
        " (SELECT count(*) FROM user_follows WHERE followee_id = id),"
        " (SELECT count(*) FROM posts WHERE author_id = users.id),"
        " (SELECT count(*) FROM tag_follows WHERE user_id = id) FROM users WHERE id <= 5 ORDER BY id"
    )
    people: dict[str, tuple[Any, ...]] = {name: tuple(counts) for name, *counts in await fetch(url, follows)}
    assert [(name, people[name][0], people[name][3]) for name in ("viewer_50", "viewer_500", "viewer_5000")] == [
        ("viewer_50", 50, 20),
        ("viewer_500", 298, 20),
        ("viewer_5000", 298, 20),
    ]
    assert people["celebrity"][1] >= 150
    assert people["prolific"][2] == 120


async def test_viewers_like_what_stands_in_their_own_feed(url: str) -> None:
    liked = (
        "SELECT count(*) FROM post_likes JOIN posts p ON p.id = post_id"
        " JOIN user_follows f ON follower_id = user_id AND followee_id = p.author_id WHERE user_id = 1"
    )
    assert (await fetch(url, liked))[0][0] >= 10


async def test_the_rare_states_occur(url: str) -> None:
    assert await fetch(url, "SELECT status, count(*) FROM posts GROUP BY 1 ORDER BY 1") == [
        ("draft", 6),
        ("published", 592),
        ("scheduled", 2),
    ]
    for table, condition in (
        ("posts", "deleted_at IS NOT NULL"),
        ("comments", "deleted_at IS NOT NULL"),
        ("users", "suspended_at IS NOT NULL"),
        ("blocks", "true"),
        ("mutes", "true"),
        ("bookmarks", "true"),
        ("categories", "true"),
    ):
        assert await fetch(url, f"SELECT count(*) > 0 FROM {table} WHERE {condition}") == [(True,)], table  # noqa: S608
    same = "SELECT published_at FROM posts WHERE status = 'published' GROUP BY published_at HAVING count(*) > 1"
    assert len(await fetch(url, same)) >= 10


async def test_nobody_follows_across_a_block(url: str) -> None:
    across = (
        "SELECT count(*) FROM user_follows JOIN blocks"
        " ON (blocker_id, blocked_id) IN ((follower_id, followee_id), (followee_id, follower_id))"
    )
    assert await fetch(url, across) == [(0,)]


async def test_the_next_row_gets_a_free_id(url: str) -> None:
    for table, count in (("users", 300), ("posts", 600), ("comments", 1_500)):
        statement = "SELECT nextval(pg_get_serial_sequence(:table, 'id'))"
        assert await fetch(url, statement, table=table) == [(count + 1,)]


async def test_a_database_that_holds_something_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="The database is not empty, it has users"):
        await fill(url, PLAN)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"users": 9}, "needs at least 10 users"),
        ({"users": 10, "follows": 60, "likes": 0}, "10 users cannot follow each other 60 times"),
        ({"users": 10, "posts": 10, "likes": 60, "follows": 0}, "10 users cannot like 10 posts 60 times"),
        ({"posts": 0, "likes": 0}, "Comments need posts"),
        ({"comments": -1}, "negative"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(numbers: dict[str, int], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        SeedPlan(**numbers)  # type: ignore[arg-type]


async def test_refilling_repairs_what_is_wrong_and_touches_nothing_else(url: str) -> None:
    before = await contents(url)
    await execute(url, "UPDATE post_stats SET like_count = like_count + 1 WHERE post_id <= 10")
    await execute(url, "DELETE FROM user_stats WHERE user_id <= 3")
    await execute(url, "INSERT INTO post_commenter SELECT 1, 6, 9 ON CONFLICT (post_id, user_id) DO UPDATE SET n = 9")
    versions = "SELECT post_id, xmin::text FROM post_stats WHERE post_id > 10 ORDER BY post_id"
    untouched = await fetch(url, versions)
    async with engine_for(url) as engine, engine.begin() as connection:
        await refill(connection, EVERYTHING, silent)
    assert await contents(url) == before
    assert await fetch(url, versions) == untouched


async def test_a_suspension_changes_no_number(url: str) -> None:
    before = await contents(url)
    await execute(url, "UPDATE users SET suspended_at = created_at WHERE id <= 50")
    assert await fetch(url, "SELECT count(*) FROM users WHERE suspended_at IS NOT NULL") == [(52,)]
    async with engine_for(url) as engine, engine.begin() as connection:
        await refill(connection, EVERYTHING, silent)
    await execute(url, "UPDATE users SET suspended_at = NULL WHERE id <= 50")
    assert await contents(url) == before


async def test_refilling_some_ids_leaves_the_others(url: str) -> None:
    before = await contents(url)
    await execute(url, "UPDATE post_stats SET like_count = like_count + 1 WHERE post_id IN (1, 2)")
    await execute(url, "UPDATE comment_stats SET descendant_count = descendant_count + 1 WHERE comment_id = 5")
    async with engine_for(url) as engine, engine.begin() as connection:
        await refill(connection, Scope(users=[], posts=[1], comments=[5], tags=[]), silent)
    wrong = "SELECT post_id FROM post_stats s JOIN post_rank r USING (post_id) WHERE s.like_count <> r.like_count"
    assert await fetch(url, wrong) == [(2,)]
    async with engine_for(url) as engine, engine.begin() as connection:
        await refill(connection, EVERYTHING, silent)
    assert await contents(url) == before
