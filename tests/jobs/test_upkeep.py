"""Regular duties are rows of `jobs`: never done twice at once, whoever is killed, and shown while they fail."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text

from feed_service import models
from feed_service.commands import forgetting, jobs, regular_jobs
from feed_service.commands.transaction import Transaction, Writer
from feed_service.errors import Unavailable
from feed_service.jobs.duties import DUTIES
from feed_service.jobs.outages import Outage
from feed_service.jobs.runner import ATTEMPTS, Pace
from feed_service.jobs.upkeep import Duty, Upkeep
from feed_service.jobs.worker import working
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS
from tests.commands.laws import contents
from tests.jobs.counting import DIED, HURRIED, dying_on_duty
from tests.world import World

WAITS_NOT = Pace(look_s=0.01, lease=timedelta(), first_wait_s=0)


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url)
    yield database
    await database.close()


async def only_row(world: World) -> Mapping[str, Any]:
    (row,) = await contents(world, models.Job)
    return row  # type: ignore[no-any-return]


async def due_now(world: World) -> None:
    async with world.engine.begin() as connection:
        await connection.execute(text("UPDATE jobs SET run_after = now()"))


async def test_four_workers_do_it_once_at_a_time_and_again_while_there_is_more(
    world: World, writing: WriteDatabase
) -> None:
    """Each piece adds a row that says whether another was under way: it would be seen uncommitted by nobody else."""
    at_work, pieces, is_done = 0, 0, asyncio.Event()

    async def work(tx: Transaction) -> bool:
        nonlocal at_work, pieces
        at_work += 1
        assert at_work == 1, "two are at it"
        await tx.sql.driver.execute("INSERT INTO tags (slug, name) VALUES ($1, 'x')", str(pieces))
        await asyncio.sleep(0.005)
        at_work, pieces = at_work - 1, pieces + 1
        if pieces == 30:
            is_done.set()
        return pieces % 3 > 0

    everybody = [Upkeep(writing, [Duty("count", 0.001, work)], HURRIED) for _ in range(4)]
    running = [asyncio.create_task(upkeep.run()) for upkeep in everybody]
    await asyncio.wait_for(is_done.wait(), 10)
    for upkeep in everybody:
        upkeep.stop()
    await asyncio.wait_for(asyncio.gather(*running), 5)
    row = await only_row(world)
    assert (row["state"], row["failures"], row["runs"]) == ("waiting", 0, pieces // 3)
    assert [int(tag["slug"]) for tag in await contents(world, models.Tag)] == list(range(pieces))


async def test_a_row_says_how_it_went_and_when_it_comes_back(world: World, writing: WriteDatabase) -> None:
    async def work(_tx: Transaction) -> int:
        return 0

    await Upkeep(writing, [Duty("count", 3_600, work)]).run_all()
    row = await only_row(world)
    assert (row["kind"], row["state"], row["every_s"], row["runs"], row["attempts"]) == (
        "count",
        "waiting",
        3_600,
        1,
        0,
    )
    assert row["run_after"] - row["started_at"] >= timedelta(seconds=3_600)
    assert row["started_at"] <= row["ran_at"]
    assert row["took_s"] == pytest.approx((row["ran_at"] - row["started_at"]).total_seconds(), abs=1e-3)
    await Upkeep(writing, [Duty("count", 60, work)]).run_all()
    changed = await only_row(world)
    assert (changed["every_s"], changed["runs"]) == (60, 1), "not due yet, though sooner now"
    assert changed["run_after"] < row["run_after"] - timedelta(minutes=50)
    assert await Writer(writing, ANONYMOUS).run(jobs.retry, row["id"])
    await Upkeep(writing, [Duty("count", 60, work)]).run_all()
    assert (await only_row(world))["runs"] == 2


async def test_what_fails_is_rolled_back_shown_and_tried_again_without_end(
    world: World, writing: WriteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: Counter[str] = Counter()

    async def unlucky(tx: Transaction) -> bool:
        attempts["unlucky"] += 1
        await tx.sql.driver.execute("INSERT INTO tags (slug, name) VALUES ('x', 'x')")
        if attempts["unlucky"] <= ATTEMPTS + 5:
            raise ValueError("out of luck\nDETAIL: somebody's row")
        return False

    with caplog.at_level(logging.ERROR):
        await Upkeep(writing, [Duty("unlucky", 60, unlucky)], Pace()).run_all()
    row = await only_row(world)
    assert "Upkeep: unlucky failed" in caplog.text
    assert (row["state"], row["error"], row["attempts"], row["failures"], row["runs"]) == (
        "waiting", "ValueError: out of luck", 1, 1, 0
    )  # fmt: skip
    assert timedelta(seconds=1) <= row["run_after"] - row["started_at"] <= timedelta(seconds=3)
    assert await contents(world, models.Tag) == []
    for _ in range(ATTEMPTS + 5):
        await due_now(world)
        await Upkeep(writing, [Duty("unlucky", 60, unlucky)], Pace()).run_all()
    row = await only_row(world)
    assert (row["error"], row["attempts"], row["failures"], row["runs"]) == (None, 0, ATTEMPTS + 5, 1)
    assert len(await contents(world, models.Tag)) == 1


@pytest.mark.parametrize(("attempts", "longest_s"), [(1, 2), (2, 4), (5, 32), (9, 512), (10, 600), (1_000, 600)])
def test_waits_double_up_to_ten_minutes(attempts: int, longest_s: float) -> None:
    waits = [Pace().wait(attempts).total_seconds() for _ in range(50)]
    assert longest_s / 2 <= min(waits) <= max(waits) <= longest_s


async def test_what_a_killed_process_began_is_done_by_another_and_nothing_of_it_twice(
    world: World, writing: WriteDatabase, empty_database_url: str
) -> None:
    assert await asyncio.to_thread(dying_on_duty, empty_database_url) == DIED
    row = await only_row(world)
    assert (row["state"], row["attempts"], row["runs"]) == ("running", 1, 0)
    assert await contents(world, models.Tag) == []

    async def work(tx: Transaction) -> bool:
        await tx.sql.driver.execute("INSERT INTO tags (slug, name) VALUES ('x', 'x')")
        return False

    deadline = asyncio.get_running_loop().time() + 10
    while not await contents(world, models.Tag) and asyncio.get_running_loop().time() < deadline:
        await Upkeep(writing, [Duty("count", 60, work)], HURRIED).run_all()
    assert (await only_row(world))["runs"] == len(await contents(world, models.Tag)) == 1


async def test_whoever_lost_it_does_nothing_and_whom_it_kills_each_time_is_waited_for(
    world: World, writing: WriteDatabase
) -> None:
    writer, done = Writer(writing, ANONYMOUS), Counter[str]()

    async def work(_tx: Transaction) -> bool:
        done["work"] += 1
        return False

    duty = Duty("count", 60, work)
    await writer.run(regular_jobs.ensure, {"count": 60.0})
    for number in range(ATTEMPTS):
        taken = await writer.run(regular_jobs.claim, ["count"], f"holder {number}", timedelta())
        assert taken is not None
        job, is_abandoned = taken
        assert is_abandoned == (number > 0), "the one before has not ended it"
    assert not await writer.run(regular_jobs.advance, job.id, "holder 0", duty.piece)
    assert done["work"] == 0
    await Upkeep(writing, [duty], WAITS_NOT).run_all()
    row = await only_row(world)
    assert (row["failures"], row["runs"], done["work"]) == (1, 1, 1), "put off once, and then tried all the same"


async def test_every_duty_of_the_service_finds_nothing_to_do_in_an_empty_database(
    world: World, writing: WriteDatabase
) -> None:
    await Upkeep(writing, DUTIES).run_all()
    rows = await contents(world, models.Job)
    assert {row["kind"]: (row["every_s"], row["error"], row["state"]) for row in rows} == {
        duty.name: (duty.every_s, None, "waiting") for duty in DUTIES
    }
    assert min(row["runs"] for row in rows) >= 1
    assert len({duty.name for duty in DUTIES}) == len(DUTIES)


async def test_a_kind_that_the_code_has_no_more_is_left_alone(world: World, writing: WriteDatabase) -> None:
    await world.add(models.Job(kind="of another version", every_s=1.0))
    before = await only_row(world)
    await Upkeep(writing, []).run_all()
    assert await only_row(world) == before


async def test_old_jobs_that_are_done_are_forgotten_and_the_rest_stays(world: World, writing: WriteDatabase) -> None:
    now, long_ago = datetime.now(UTC), datetime.now(UTC) - timedelta(days=40)
    for state, finished_at in (("done", long_ago), ("done", now), ("failed", None), ("waiting", None)):
        await world.add(models.Job(kind="test", state=state, finished_at=finished_at))
    assert await Writer(writing, ANONYMOUS).run(forgetting.forget_jobs) == 1
    assert [row["state"] for row in await contents(world, models.Job)] == ["done", "failed", "waiting"]


async def test_a_worker_outlives_a_database_that_goes_away(
    world: World, empty_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its connections are cut again and again; what was due is done afterwards."""
    await world.add(models.Observation(kind="service", source="x", at=datetime.now(UTC) - timedelta(days=9), data={}))
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
            # Whoever was cut off several times is put off for 2, 4, 8 and 16 seconds.
            for _ in range(600):
                if not await contents(world, models.Observation):
                    return
                await asyncio.sleep(0.1)
    raise AssertionError("nothing was forgotten")


def test_a_database_that_is_away_is_told_once_and_so_is_its_return(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage()
    with caplog.at_level(logging.INFO):
        outage.is_over()
        for error in (Unavailable("away"), ConnectionRefusedError(), asyncpg.CannotConnectNowError()):
            assert outage.is_why(error)
        outage.is_over()
        outage.is_over()
        assert not outage.is_why(ValueError("another reason"))
    assert [record.message for record in caplog.records] == [
        "Jobs wait for the database: Unavailable: away", "Jobs wait no longer: the database is back."
    ]  # fmt: skip
