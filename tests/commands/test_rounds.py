"""Reconciliation by itself: what is planted is found in one run, put right, and kept for whoever looks."""

from typing import Any

import pytest

from feed_service import models
from feed_service.commands import reconcile, rounds
from feed_service.commands.transaction import Writer
from feed_service.jobs.duties import DUTIES
from feed_service.jobs.upkeep import Upkeep
from tests.commands.laws import contents, drift
from tests.commands.test_reconcile import run, some_of_everything
from tests.world import World

DUTY = next(duty for duty in DUTIES if duty.name == "reconcile")
ALL = {"posts": 2, "comments": 2, "users": 2, "tags": 2}


async def one_run(world: World, writer: Writer) -> dict[str, Any]:
    """The progress it leaves."""
    async with world.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE jobs SET run_after = now()")
    await Upkeep(writer.database, [DUTY]).run_all()
    (row,) = await contents(world, models.Job)
    assert row["error"] is None
    return dict(row["progress"])


async def test_a_planted_error_is_found_put_right_audited_and_kept(
    world: World, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    await some_of_everything(world)
    await run(world, "UPDATE post_stats SET like_count = 5, bookmark_count = 3 WHERE post_id = 2")
    await run(world, "DELETE FROM comment_rank WHERE comment_id = 2")
    kept = await one_run(world, writer)
    assert await drift(world) == {}
    last = kept["last_round"]
    assert (kept["at"], kept["round"], last["checked"], last["repaired"]) == (None, None, ALL, 2)
    assert last["wrong"] == {
        "post_stats.like_count": 1, "post_stats.bookmark_count": 1,
        "comment_rank.post_id": 1, "comment_rank.parent_id": 1, "comment_rank.like_count": 1,
    }  # fmt: skip
    assert last["began_at"] <= last["ended_at"]
    found = [
        (one["table"], one["column"], one["id"], one["how"], one["stored"], one["recounted"])
        for one in kept["findings"]
    ]
    assert found == [
        ("comment_rank", None, 2, "missing", None, None),
        ("post_stats", "like_count", 2, "wrong", 5, 1),
        ("post_stats", "bookmark_count", 2, "wrong", 3, 0),
    ]  # fmt: skip
    events = [
        (row["action"], row["subject_kind"], row["subject_id"]) for row in await contents(world, models.AuditEvent)
    ]
    assert events == [("numbers.repair", "post", 2), ("numbers.repair", "comment", 2)]
    assert caplog.text.count("Drift, put right") == 2
    after = await one_run(world, writer)
    assert (after["last_round"]["wrong"], after["last_round"]["repaired"]) == ({}, 0)
    assert after["findings"] == kept["findings"], "they are kept until others take their place"


async def test_a_run_ends_with_its_time_and_the_next_goes_on_from_there(
    world: World, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run takes one stretch of one thing here; what is wrong behind it waits for its turn."""
    await some_of_everything(world)
    monkeypatch.setattr(rounds, "RUN_S", 0)
    monkeypatch.setattr(rounds, "AT_ONCE", dict.fromkeys(reconcile.AT_ONCE, 1))
    await run(world, "UPDATE tag_stats SET post_count = 7 WHERE tag_id = 2")
    places: list[tuple[str, int]] = []
    while (kept := await one_run(world, writer))["at"] is not None and len(places) < 20:
        assert kept["last_round"] is None
        places.append((kept["at"]["kind"], kept["at"]["start"]))
    assert places == [
        ("posts", 2), ("posts", 3), ("comments", 0), ("comments", 2), ("comments", 3),
        ("users", 0), ("users", 2), ("users", 3), ("tags", 0), ("tags", 2), ("tags", 3),
    ]  # fmt: skip
    assert (kept["last_round"]["checked"], kept["last_round"]["wrong"]) == (ALL, {"tag_stats.post_count": 1})
    assert await drift(world) == {}


async def test_where_much_is_wrong_some_is_put_right_at_a_time(
    world: World, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await world.user("ann")
    for _ in range(5):
        await world.post(ann)
    await world.count()
    async with world.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE post_stats SET like_count = 9")
    monkeypatch.setattr(rounds, "REPAIRED_AT_ONCE", 2)
    last = (await one_run(world, writer))["last_round"]
    assert (last["checked"]["posts"], last["wrong"], last["repaired"]) == (5, {"post_stats.like_count": 5}, 5)
    assert await drift(world) == {}
