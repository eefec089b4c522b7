"""A worker as operators run it: a process of its own, killed in the middle of a step, and what they see of it."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from feed_service import models
from feed_service.cli import cli
from feed_service.commands.transaction import Transaction
from feed_service.jobs.duties import DUTIES
from feed_service.jobs.upkeep import Duty, Upkeep
from feed_service.jobs.worker import working
from feed_service.queries import jobs
from feed_service.transactions import WriteDatabase
from tests.commands.laws import contents, drift
from tests.jobs.counting import CHECKOUT
from tests.world import World, world_on

PATIENCE_S = 120.0

HELD_UP = """
    SELECT count(*) FROM jobs, pg_stat_activity
    WHERE kind = 'publish' AND jobs.state = 'running' AND wait_event_type = 'Lock' AND datname = current_database()
"""


async def until(world: World, question: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with world.engine.connect() as connection:
            while not await connection.scalar(text(question)):
                await connection.rollback()
                await asyncio.sleep(0.05)


async def test_what_a_killed_worker_was_at_is_done_once_by_the_next(world: World, empty_database_url: str) -> None:
    """The post that it is about to publish is held until it is dead."""
    ann, tag = await world.user("ann"), await world.tag("bread")
    soon = datetime.now(UTC) - timedelta(seconds=1)
    post = await world.post(ann, at=soon, status="scheduled", tags=(tag,))
    await world.count()
    environment = os.environ | {"DATABASE_URL": empty_database_url}
    program = "from feed_service.cli import cli; cli(['worker'])"
    async with world.engine.begin() as holding:
        await holding.execute(text("SELECT 1 FROM posts FOR UPDATE"))
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=CHECKOUT, env=environment)
        try:
            await until(world, HELD_UP)
        finally:
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
    (row,) = await contents(world, models.Post)
    assert (row["id"], row["status"]) == (post.id, "scheduled")
    async with working(empty_database_url):
        await until(world, "SELECT count(*) FROM jobs WHERE kind = 'publish' AND runs > 0")
    (row,) = await contents(world, models.Post)
    assert row["status"] == "published"
    assert await drift(world) == {}
    assert [row["action"] for row in await contents(world, models.ChangeLog)] == ["publish"]


async def a_failure_and_a_stranger(url: str) -> dict[str, tuple[bool, int, int, int]]:
    """What is told of each kind: (is_regular, open, failures, failed)."""

    async def fails(_tx: Transaction) -> bool:
        raise ValueError("out of luck")

    async with world_on(url) as world:
        await world.add(models.Job(kind="of another version", every_s=60.0))
        await world.add(models.Job(kind="given up", state="failed", error="ValueError: no", attempts=10, failures=10))
        database = WriteDatabase.connect(url)
        await Upkeep(
            database, [Duty("publish", 1.0, fails), *(duty for duty in DUTIES if duty.name != "publish")]
        ).run_all()
        await database.close()
        async with world.engine.connect() as connection:
            waits = (await connection.execute(jobs.waits())).all()
    assert [row.kind for row in waits if row.lag_s > 0] == ["of another version"]
    return {row.kind: (row.is_regular, row.open, row.failures, row.failed) for row in waits}


def test_every_job_is_shown_and_can_be_tried_again(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = asyncio.run(a_failure_and_a_stranger(empty_database_url))
    assert (waits["publish"], waits["given up"]) == ((True, 1, 1, 0), (False, 0, 10, 1))
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    def shown() -> dict[str, dict[str, Any]]:
        lines = CliRunner().invoke(cli, ["jobs", "--json"], catch_exceptions=False).stdout.splitlines()
        return {row["kind"]: row for row in map(json.loads, lines)}

    rows = shown()
    assert rows.keys() == {duty.name for duty in DUTIES} | {"of another version", "given up"}
    assert {kind: row["shown"] for kind, row in rows.items() if row["shown"] != "waiting"} == {
        "publish": "failing", "of another version": "removed", "given up": "failed",
    }  # fmt: skip
    failing = rows["publish"]
    assert (failing["error"], failing["attempts"], failing["failures"]) == ("ValueError: out of luck", 1, 1)
    assert failing["run_after"] > failing["started_at"]
    words = CliRunner().invoke(cli, ["jobs"]).stdout
    assert "ValueError: out of luck" in words
    assert len(words.splitlines()) == len(rows) + 1
    for kind in ("publish", "given up"):
        assert CliRunner().invoke(cli, ["retry-job", str(rows[kind]["id"])]).exit_code == 0
    assert shown()["publish"]["run_after"] < failing["run_after"]
    assert shown()["given up"]["shown"] == "failing", "waits, with its last error"
    assert CliRunner().invoke(cli, ["retry-job", "1000"]).exit_code != 0
