"""What users have stirred: exact numbers of each window, a row for everybody, and no table read as a whole."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
from sqlalchemy import text

from feed_service import models
from feed_service.exports.engagement import engagement
from feed_service.exports.stream import ExportDatabase
from feed_service.transactions import compiled
from tests.exports.reading import exported
from tests.world import World

NOTHING = {"posts": 0, "views": 0, "likes": 0, "comments": 0, "commentsWritten": 0, "newFollowers": 0}
NO_RATIOS = {"viewsPerPost": None, "reactionsPerPost": None, "reactionsPerView": None}


@pytest_asyncio.fixture
async def exporting(empty_database_url: str) -> AsyncIterator[ExportDatabase]:
    database = ExportDatabase.connect(empty_database_url)
    yield database
    await database.close()


def within(row: dict[str, Any], days: int) -> dict[str, Any]:
    return {name: row[f"{name}{days}"] for name in NOTHING | NO_RATIOS}


async def stirred(world: World) -> dict[str, models.User]:
    """Ann has two posts of this week, one of this month and one before; three comments stand beside four likes."""
    people = {name: await world.user(name) for name in ("ann", "bob", "cat", "dan", "eve")}
    ann, *others = people.values()
    await world.user("gone", deleted_at=datetime.now(UTC))

    def ago(days: int) -> datetime:
        return datetime.now(UTC) - timedelta(days=days)

    new, _, older, old = [await world.post(ann, at=ago(days)) for days in (1, 2, 20, 200)]
    await world.post(ann, at=datetime.now(UTC) + timedelta(days=1), status="scheduled")
    await world.post(ann, at=ago(1), deleted_at=ago(0))
    for other in others:
        await world.like(other, new)
    await world.like(others[0], old)
    for days in (1, 2, 50):
        await world.comment(others[0], new if days < 50 else older, at=ago(days))
    await world.comment(others[0], new, at=ago(1), deleted_at=ago(0))
    for other, days in zip(others, (1, 29, 89, 91), strict=True):
        await world.add(models.UserFollow(follower_id=other.id, followee_id=ann.id, created_at=ago(days)))
    await world.count()
    async with world.engine.begin() as connection:
        await connection.execute(text(f"UPDATE post_stats SET view_count = 7 WHERE post_id = {new.id}"))  # noqa: S608
    return people


async def test_each_number_is_counted_by_itself(world: World, exporting: ExportDatabase) -> None:
    await stirred(world)
    found = await exported(exporting, engagement())
    rows = {row["username"]: row for row in found.data}
    assert [*rows] == ["ann", "bob", "cat", "dan", "eve"], "everybody whose account is open, by id"
    ann = rows["ann"]
    assert (ann["posts"], ann["followers"], ann["following"]) == (4, 4, 0)
    this_week = {"posts": 2, "views": 7, "likes": 4, "comments": 2, "commentsWritten": 0, "newFollowers": 1}
    assert within(ann, 7) == this_week | {"viewsPerPost": 3.5, "reactionsPerPost": 3.0, "reactionsPerView": 0.857}
    this_month = {"posts": 3, "views": 7, "likes": 4, "comments": 3, "commentsWritten": 0, "newFollowers": 2}
    assert within(ann, 30) == this_month | {"viewsPerPost": 2.333, "reactionsPerPost": 2.333, "reactionsPerView": 1.0}
    assert ann["newFollowers90"] == 3
    assert within(rows["bob"], 90) == NOTHING | NO_RATIOS | {"commentsWritten": 3}
    assert within(rows["eve"], 90) == NOTHING | NO_RATIOS
    assert found.trailer
    assert found.trailer["rows"] == 5


async def test_some_users_by_name_or_id_and_from_a_key_on(world: World, exporting: ExportDatabase) -> None:
    people = await stirred(world)
    named = await exported(exporting, engagement(["CAT", str(people["ann"].id), "nobody", "gone", "\u212a", "\0"]))
    assert [row["username"] for row in named.data] == ["ann", "cat"]
    rest = await exported(exporting, engagement(), after=f'["engagement", {people["cat"].id}]')
    assert [row["username"] for row in rest.data] == ["dan", "eve"]


async def test_sums_are_held_for_one_user_at_a_time(world: World) -> None:
    """Neither sorted nor hashed: the rows are made along the key, each from its own indexes."""
    [(_, lines)] = engagement().parts(None)
    statement, names, values = compiled(lines)
    async with world.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute("SET enable_seqscan = off; SET enable_sort = off")
        rows = await driver.fetch(f"EXPLAIN (COSTS off) {statement}", *(values[name] for name in names))
    plan = "\n".join(row[0] for row in rows)
    assert "Index Scan using pk_users on users" in plan
    for node in ("Seq Scan", "Sort", "Hash", "Materialize"):
        assert node not in plan, plan
