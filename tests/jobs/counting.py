"""A job that adds to a post's numbers, three steps long, and a process of its own that dies between two steps."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from feed_service import models
from feed_service.commands.jobs import Job, Progress
from feed_service.commands.transaction import Change, Transaction
from feed_service.jobs.runner import Pace, Runner
from feed_service.jobs.upkeep import Duty, Upkeep
from feed_service.transactions import WriteDatabase

CHECKOUT = Path(__file__).parents[2]
STEPS = 3
HURRIED = Pace(look_s=0.01, lease=timedelta(seconds=0.3), first_wait_s=0.01)
DIED = 41


async def count_a_view(tx: Transaction, job: Job) -> Progress:
    done = job.progress.get("done", 0) + 1
    tx.count(models.PostStats, job.task["post_id"], view_count=1)
    tx.changed(Change("test", f"{job.step} {done}", job.id))
    return Progress(f"step {done}" if done < STEPS else None, {"done": done})


async def die_in_the_second(tx: Transaction, job: Job) -> Progress:
    if job.step is not None:
        os._exit(DIED)
    return await count_a_view(tx, job)


async def die_on_duty(tx: Transaction) -> bool:
    await tx.sql.driver.execute("INSERT INTO tags (slug, name) VALUES ('half', 'done')")
    os._exit(DIED)


def dying(url: str) -> int:
    """Run the job in a process that dies within its second step. The exit code."""
    return _in_a_process("main", url)


def dying_on_duty(url: str) -> int:
    """Do the regular work `count` in a process that dies of it. The exit code."""
    return _in_a_process("main_on_duty", url)


def _in_a_process(function: str, url: str) -> int:
    program = f"import sys; from tests.jobs import counting; counting.{function}(sys.argv[1])"
    return subprocess.run([sys.executable, "-c", program, url], cwd=CHECKOUT, check=False, timeout=30).returncode


def main(url: str) -> None:
    async def work() -> None:
        await Runner(WriteDatabase.connect(url, pool_size=2), {"count": die_in_the_second}, HURRIED).run_all()

    asyncio.run(work())


def main_on_duty(url: str) -> None:
    async def work() -> None:
        await Upkeep(WriteDatabase.connect(url, pool_size=2), [Duty("count", 60, die_on_duty)], HURRIED).run_all()

    asyncio.run(work())
