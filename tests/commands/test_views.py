"""Views: what counts, how often, and that neither two processes nor a lost database makes a number wrong."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete, text, update

from feed_service import models
from feed_service.accounts import tokens
from feed_service.accounts.keys import load_or_create
from feed_service.commands.transaction import Writer
from feed_service.commands.views import View, Views, count_views
from feed_service.errors import Overloaded
from feed_service.jobs.views import ViewWriter
from feed_service.schema.ids import encode
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS
from tests.api import Api, Refused, global_id
from tests.commands.laws import contents, drift
from tests.test_cli import Service
from tests.world import NEVER, World

RECORD = """mutation ($ids: [ID!]!) { recordViews(postIds: $ids) {
    takenCount consistencyToken userErrors { code field } } }"""
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
NOW = datetime.now(UTC)


@pytest_asyncio.fixture
async def database(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url)
    yield database
    await database.close()


@asynccontextmanager
async def another_process(url: str) -> AsyncIterator[ViewWriter]:
    database = WriteDatabase.connect(url)
    yield ViewWriter(database, Views())
    await database.close()


async def view_counts(world: World) -> list[int]:
    return [row["view_count"] for row in await contents(world, models.PostStats)]


async def test_a_view_counts_once_an_hour_for_everybody_who_looks(
    world: World, api: Api, database: WriteDatabase
) -> None:
    ann, bob, cat = [await world.user(name) for name in ("ann", "bob", "cat")]
    posts = [await world.post(ann), await world.post(bob)]
    await world.count()
    ids = [global_id(post) for post in posts]
    writer = ViewWriter(database, api.views)
    for viewer, seen, counts in (
        (bob, ids, [1, 1]),
        (bob, ids, [1, 1]),
        (cat, [*ids, ids[0]], [2, 2]),
        (ann, ids[:1], [3, 2]),
    ):
        payload = (await api(RECORD, viewer, ids=seen))["recordViews"]
        assert payload == {"takenCount": len(set(seen)), "consistencyToken": None, "userErrors": []}
        assert await writer.write()
        assert await view_counts(world) == counts
    api.views.take(bob.id, [posts[0].id], NOW + timedelta(hours=2))
    assert await writer.write()
    assert await view_counts(world) == [4, 2]
    assert [row["view_count"] for row in await contents(world, models.UserStats)] == [4, 2, 0]
    assert await drift(world) == {}
    assert len(api.views) == 0


async def test_what_cannot_be_seen_is_not_viewed(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    hidden = [await world.post(ann, at=NEVER), await world.post(ann, deleted_at=NOW)]
    blocked = await world.post(await world.user("cat"))
    await world.add(models.Block(blocker_id=blocked.author_id, blocked_id=bob.id))
    ids = [*map(global_id, hidden), global_id(blocked), encode("Post", 999)]
    payload = (await api(RECORD, bob, ids=ids))["recordViews"]
    assert (payload["takenCount"], payload["userErrors"]) == (0, [])
    payload = (await api(RECORD, bob, ids=[global_id(blocked)] * 101))["recordViews"]
    assert payload["userErrors"] == [{"code": "TOO_MANY", "field": ["postIds"]}]
    for viewer, one, code in ((None, ids[0], "UNAUTHENTICATED"), (bob, global_id(bob), "BAD_USER_INPUT")):
        with pytest.raises(Refused) as refused:
            await api(RECORD, viewer, ids=[one])
        assert refused.value.codes == [code]
    assert len(api.views) == 0


async def test_a_view_of_a_post_deleted_meanwhile_counts_for_the_post_alone(
    world: World, api: Api, database: WriteDatabase
) -> None:
    ann = await world.user("ann")
    post = await world.post(ann)
    await world.count()
    await api(RECORD, ann, ids=[global_id(post)])
    async with world.engine.begin() as connection:
        await connection.execute(update(models.Post).values(deleted_at=NOW))
    await world.count()
    assert await ViewWriter(database, api.views).write()
    assert await view_counts(world) == [1]
    assert await drift(world) == {}


async def test_processes_that_write_the_same_views_at_once_count_each_once(
    world: World, empty_database_url: str
) -> None:
    people = [await world.user(f"user{number}") for number in range(20)]
    posts = [await world.post(people[0]) for _ in range(30)]
    await world.count()
    async with another_process(empty_database_url) as one, another_process(empty_database_url) as other:
        for hours in range(3):
            for writer in (one, other):
                for user in people:
                    writer.views.take(user.id, [post.id for post in posts], NOW + timedelta(hours=hours))
            assert all(await asyncio.gather(one.write(), other.write(), one.write()))
    assert await view_counts(world) == [3 * 20] * 30
    assert len(await contents(world, models.PostView)) == 3 * 20 * 30
    assert await drift(world) == {}


async def test_views_wait_while_the_database_is_away_and_count_once_when_it_is_back(
    world: World, database: WriteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    ann = await world.user("ann")
    post = await world.post(ann)
    await world.count()
    taken = Views(most=3)
    taken.take(ann.id, [post.id], NOW)
    async with another_process(NOWHERE) as cut_off:
        cut_off.views = taken
        assert not await cut_off.write()
    assert "Views wait for the database" in caplog.text
    with pytest.raises(Overloaded):
        taken.take(ann.id, [post.id + number for number in range(4)], NOW)
    assert taken.waiting() == [View(post.id, ann.id, NOW.replace(minute=0, second=0, microsecond=0))]
    # Written once already, by a process that never heard of its commit.
    await Writer(database, ANONYMOUS).run(count_views, taken.waiting())
    assert await ViewWriter(database, taken).write()
    assert (len(taken), await view_counts(world)) == (0, [1])


async def test_one_post_that_cannot_be_counted_keeps_no_other_waiting(
    world: World, database: WriteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    ann = await world.user("ann")
    posts = [await world.post(ann) for _ in range(5)]
    await world.count()
    async with world.engine.begin() as connection:
        await connection.execute(delete(models.PostStats).where(models.PostStats.post_id == posts[2].id))
    taken = Views()
    taken.take(ann.id, [post.id for post in posts], NOW)
    assert await ViewWriter(database, taken).write()
    assert await view_counts(world) == [1] * 4
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        f"A view of post {posts[2].id} cannot be counted."
    ]


async def test_a_service_writes_views_within_5_seconds_and_the_last_of_them_before_it_ends(
    world: World, empty_database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """So much a crash can lose, and SIGTERM nothing."""
    ann = await world.user("ann")
    posts = [await world.post(ann) for _ in range(2)]
    await world.count()
    service = Service(tmp_path, DATABASE_URL=empty_database_url, FEED_JOBS="off")
    request.addfinalizer(service.process.kill)
    await asyncio.to_thread(service.wait)
    signing = load_or_create(tmp_path / "keys", token_pem=None, cursor_secret=None)
    token = tokens.mint(signing, tokens.Bearer(ann.id), lifetime=tokens.TRIAL_LIFETIME, now=NOW)

    def view(post: models.Post) -> None:
        taken = service.ask(f'mutation {{ recordViews(postIds: ["{global_id(post)}"]) {{ takenCount }} }}', token)
        assert taken == {"data": {"recordViews": {"takenCount": 1}}}

    view(posts[0])
    deadline = time.monotonic() + 5
    while await view_counts(world) != [1, 0]:
        assert time.monotonic() < deadline, "A crash would have lost more than 5 seconds."
        await asyncio.sleep(0.1)
    view(posts[1])
    service.stop(signal.SIGTERM)
    assert await view_counts(world) == [1, 1]


async def test_what_cannot_be_written_before_the_end_is_reported_lost(
    world: World, database: WriteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    ann = await world.user("ann")
    post = await world.post(ann)
    await world.count()
    taken = Views()
    taken.take(ann.id, [post.id], NOW)
    writer = ViewWriter(database, taken, stop_s=0.1)
    writer.stop()
    async with world.engine.begin() as connection:
        await connection.execute(text("LOCK TABLE post_views"))
        await writer.run()
    assert "1 views are lost: the database was away for too long." in caplog.text
    assert await view_counts(world) == [0]
