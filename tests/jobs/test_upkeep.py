"""Regular duties: by one process at a time, whatever fails; and what is kept for a time only."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import text

from feed_service import models
from feed_service.commands import forgetting
from feed_service.commands.transaction import Transaction, Writer
from feed_service.jobs.duties import DUTIES
from feed_service.jobs.upkeep import Duty, Upkeep
from feed_service.jobs.worker import working
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS
from tests.commands.laws import contents
from tests.world import World


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url)
    yield database
    await database.close()


async def test_a_duty_is_done_by_one_at_a_time_and_again_while_there_is_more(writing: WriteDatabase) -> None:
    left, at_work, is_done = 5, 0, asyncio.Event()

    async def work(_tx: Transaction) -> bool:
        nonlocal left, at_work
        at_work += 1
        assert at_work == 1, "two are at it"
        await asyncio.sleep(0.01)
        at_work, left = 0, left - 1
        if left == 0:
            is_done.set()
        return left > 0

    everybody = [Upkeep(writing, [Duty("count", 3_600, work)], first_within_s=0.01) for _ in range(3)]
    running = [asyncio.create_task(upkeep.run()) for upkeep in everybody]
    await asyncio.wait_for(is_done.wait(), 5)
    for upkeep in everybody:
        upkeep.stop()
    await asyncio.wait_for(asyncio.gather(*running), 2)


async def test_a_duty_that_fails_is_rolled_back_logged_and_tried_again(
    world: World, writing: WriteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    calls: Counter[str] = Counter()
    is_done = asyncio.Event()

    def called(name: str) -> None:
        calls[name] += 1
        if calls["fails"] > 1 and calls["works"] > 1:
            is_done.set()

    async def fails(tx: Transaction) -> bool:
        called("fails")
        await tx.sql.driver.execute("INSERT INTO tags (slug, name) VALUES ('x', 'x')")
        raise ValueError("out of luck")

    async def works(_tx: Transaction) -> bool:
        called("works")
        return False

    upkeep = Upkeep(writing, [Duty("unlucky", 0.01, fails), Duty("lucky", 0.01, works)])
    with caplog.at_level(logging.ERROR):
        running = asyncio.create_task(upkeep.run())
        await asyncio.wait_for(is_done.wait(), 5)
        upkeep.stop()
        await running
    assert "Upkeep: unlucky was not done" in caplog.text
    assert await contents(world, models.Tag) == []


async def test_every_duty_of_the_service_finds_nothing_to_do_in_an_empty_database(writing: WriteDatabase) -> None:
    upkeep = Upkeep(writing, DUTIES)
    assert [await upkeep.once(duty) for duty in DUTIES] == [False for _ in DUTIES]
    assert len({duty.name for duty in DUTIES}) == len(DUTIES)


async def test_old_views_and_done_jobs_are_forgotten_and_the_rest_stays(world: World, writing: WriteDatabase) -> None:
    now, long_ago = datetime.now(UTC), datetime.now(UTC) - timedelta(days=40)
    for hour in (now, now - timedelta(hours=1), long_ago):
        await world.add(models.PostView(hour=hour, post_id=1, user_id=1))
    for state, finished_at in (("done", long_ago), ("done", now), ("failed", long_ago), ("waiting", None)):
        await world.add(models.Job(kind="test", state=state, finished_at=finished_at))
    writer = Writer(writing, ANONYMOUS)
    assert (await writer.run(forgetting.forget_views), await writer.run(forgetting.forget_jobs)) == (1, 1)
    assert [row["hour"] for row in await contents(world, models.PostView)] == [now - timedelta(hours=1), now]
    assert [row["state"] for row in await contents(world, models.Job)] == ["done", "failed", "waiting"]


async def test_a_worker_outlives_a_database_that_goes_away(
    world: World, empty_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its connections are cut again and again; what was due is done afterwards."""
    await world.add(models.PostView(hour=datetime.now(UTC) - timedelta(days=1), post_id=1, user_id=1))
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with caplog.at_level(logging.CRITICAL):
        async with working(empty_database_url):
            for _ in range(20):
                async with world.engine.begin() as connection:
                    await connection.execute(cut)
                await asyncio.sleep(0.01)
            for _ in range(150):
                if not await contents(world, models.PostView):
                    return
                await asyncio.sleep(0.1)
    raise AssertionError("nothing was forgotten")
