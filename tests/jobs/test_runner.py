"""Jobs: done to the end, each step once, whoever dies and however many work on them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from feed_service.commands import jobs
from feed_service.commands.jobs import Job, Progress, Step
from feed_service.commands.transaction import Transaction, Writer
from feed_service.jobs.runner import ATTEMPTS, Runner
from feed_service.transactions import WriteDatabase
from feed_service.viewer import Viewer
from tests.commands.laws import contents
from tests.jobs.counting import DIED, HURRIED, STEPS, count_a_view, dying
from tests.world import World


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url, pool_size=10)
    yield database
    await database.close()


async def post_and_jobs(world: World, writing: WriteDatabase, number: int) -> models.Post:
    post = await world.post(await world.user("ann"))
    await world.count()
    for _ in range(number):
        await Writer(writing, Viewer(post.author_id)).run(jobs.create, "count", {"post_id": post.id})
    return post


def runner(writing: WriteDatabase, step: Step = count_a_view) -> Runner:
    return Runner(writing, {"count": step}, HURRIED)


async def views(world: World) -> int:
    return sum(row["view_count"] for row in await contents(world, models.PostStats))


async def only_job(world: World) -> Mapping[str, Any]:
    (row,) = await contents(world, models.Job)
    return row  # type: ignore[no-any-return]


async def test_a_job_is_done_step_by_step_as_its_creator(world: World, writing: WriteDatabase) -> None:
    post = await post_and_jobs(world, writing, 1)
    await runner(writing).run_all()
    job = await only_job(world)
    assert (job["state"], job["step"], job["progress"], job["error"]) == ("done", None, {"done": STEPS}, None)
    assert (job["leased_by"], job["leased_until"]) == (None, None)
    changes = await contents(world, models.ChangeLog)
    assert [(row["action"], row["actor_id"]) for row in changes] == [
        ("None 1", post.author_id), ("step 1 2", post.author_id), ("step 2 3", post.author_id)
    ]  # fmt: skip
    assert await views(world) == STEPS


async def test_four_runners_share_the_jobs_and_do_no_step_twice(world: World, writing: WriteDatabase) -> None:
    await post_and_jobs(world, writing, 30)
    under_way: set[int] = set()

    async def alone(tx: Transaction, job: Job) -> Progress:
        assert job.id not in under_way, "two work on it at once"
        under_way.add(job.id)
        await asyncio.sleep(0.005)
        under_way.remove(job.id)
        return await count_a_view(tx, job)

    await asyncio.gather(*(runner(writing, alone).run_all() for _ in range(4)))
    assert await views(world) == 30 * STEPS
    assert {row["state"] for row in await contents(world, models.Job)} == {"done"}
    actions = [(row["subject_id"], row["action"]) for row in await contents(world, models.ChangeLog)]
    assert len(actions) == len(set(actions)) == 30 * STEPS


async def test_a_job_whose_process_died_is_carried_on_by_another(
    world: World, writing: WriteDatabase, empty_database_url: str
) -> None:
    await post_and_jobs(world, writing, 1)
    assert await asyncio.to_thread(dying, empty_database_url) == DIED
    job = await only_job(world)
    assert (job["state"], job["step"], job["progress"]) == ("running", "step 1", {"done": 1})
    assert await views(world) == 1
    deadline = asyncio.get_running_loop().time() + 10
    while (await only_job(world))["state"] == "running" and asyncio.get_running_loop().time() < deadline:
        await runner(writing).run_all()
    assert (await only_job(world))["state"] == "done"
    assert await views(world) == STEPS


async def test_whoever_slept_through_the_lease_does_nothing_more(world: World, writing: WriteDatabase) -> None:
    """The sleeper holds the job after its lease: the other does the job, and the sleeper's step is not done."""
    await post_and_jobs(world, writing, 1)
    writer, holder = Writer(writing, Viewer()), "sleeper"
    job = await writer.run(jobs.claim, ["count"], holder, HURRIED.lease)
    assert job is not None
    await runner(writing).run_all()
    assert await views(world) == 0, "the lease is not over"
    await asyncio.sleep(HURRIED.lease.total_seconds())
    await runner(writing).run_all()
    assert await views(world) == STEPS
    assert not await writer.run(jobs.advance, job.id, holder, HURRIED.lease, count_a_view)
    await writer.run(jobs.put_off, job.id, holder, "late", ATTEMPTS, lambda _: timedelta())
    assert await views(world) == STEPS
    assert (await only_job(world))["state"] == "done"


async def test_a_step_longer_than_the_lease_keeps_its_job(world: World, writing: WriteDatabase) -> None:
    await post_and_jobs(world, writing, 1)

    async def slow(tx: Transaction, job: Job) -> Progress:
        await asyncio.sleep(2 * HURRIED.lease.total_seconds())
        return await count_a_view(tx, job)

    slowly = asyncio.create_task(runner(writing, slow).run_all())
    while not slowly.done():
        await runner(writing, slow).run_all()
        await asyncio.sleep(0.01)
    assert await views(world) == STEPS
    actions = [row["action"] for row in await contents(world, models.ChangeLog)]
    assert actions == ["None 1", "step 1 2", "step 2 3"]


async def test_a_step_that_raises_is_rolled_back_and_tried_again(world: World, writing: WriteDatabase) -> None:
    await post_and_jobs(world, writing, 1)
    failures: list[int] = []

    async def failing(tx: Transaction, job: Job) -> Progress:
        left = await count_a_view(tx, job)
        if job.step == "step 1" and len(failures) < 3:
            failures.append(job.attempts)
            raise ValueError("out of luck\0\nDETAIL: somebody's row")
        return left

    working = runner(writing, failing)
    await working.run_all()
    job = await only_job(world)
    assert (job["state"], job["step"], job["error"]) == ("waiting", "step 1", "ValueError: out of luck")
    assert job["run_after"] > job["created_at"]
    while (await only_job(world))["state"] != "done":
        await working.run_all()
        await asyncio.sleep(0.005)
    assert failures == [1, 2, 3]
    assert await views(world) == STEPS
    assert (await only_job(world))["error"] is None


async def test_a_job_that_never_works_fails_and_can_be_retried(world: World, writing: WriteDatabase) -> None:
    await post_and_jobs(world, writing, 1)

    async def hopeless(_tx: Transaction, _job: Job) -> Progress:
        raise ValueError("no")

    waits_not = Runner(writing, {"count": hopeless}, replace(HURRIED, first_wait_s=0))
    for _ in range(ATTEMPTS + 3):
        await waits_not.run_all()
    job = await only_job(world)
    assert (job["state"], job["attempts"], job["error"]) == ("failed", ATTEMPTS, "ValueError: no")
    await runner(writing).run_all()
    assert await views(world) == 0
    assert await Writer(writing, Viewer()).run(jobs.retry, job["id"])
    assert not await Writer(writing, Viewer()).run(jobs.retry, job["id"])
    await runner(writing).run_all()
    assert (await only_job(world))["state"] == "done"


async def test_jobs_wait_for_their_time_and_for_somebody_who_knows_them(world: World, writing: WriteDatabase) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await Writer(writing, Viewer()).run(jobs.create, "count", {}, run_after=later)
    await Writer(writing, Viewer()).run(jobs.create, "unknown here", {})
    before = await contents(world, models.Job)
    await runner(writing).run_all()
    assert await contents(world, models.Job) == before


@pytest.mark.parametrize("lanes_busy", [False, True])
async def test_a_runner_that_is_stopped_leaves_its_jobs_to_others(
    world: World, writing: WriteDatabase, *, lanes_busy: bool
) -> None:
    await post_and_jobs(world, writing, 1 if lanes_busy else 0)
    began = asyncio.Event()

    async def slow(tx: Transaction, job: Job) -> Progress:
        began.set()
        await asyncio.sleep(0.05)
        return await count_a_view(tx, job)

    working = runner(writing, slow)
    running = asyncio.create_task(working.run())
    if lanes_busy:
        await began.wait()
    working.stop()
    await asyncio.wait_for(running, 2)
    if lanes_busy:
        job = await only_job(world)
        assert (job["state"], job["step"], job["attempts"], job["leased_by"]) == ("waiting", "step 1", 0, None)
        await runner(writing).run_all()
        assert await views(world) == STEPS
