"""Bulks beside what users do at the same moment: nobody waits in a circle, and every number is exact afterwards."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from feed_service import models
from feed_service.commands import blocks, follows, likes
from feed_service.commands.transaction import Writer
from feed_service.errors import Refused
from feed_service.transactions import WriteDatabase
from feed_service.viewer import Viewer
from tests.commands.bulk.sending import Line, outcomes_of, runner, sent
from tests.commands.laws import contents, drift
from tests.world import World

PEOPLE, POSTS = 30, 40
LIVE = 400


async def test_bulks_and_users_never_wait_in_a_circle(
    world: World, writing: WriteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(7)  # noqa: S311 - no secret.
    people = [(await world.user(f"user{number}")).id for number in range(PEOPLE)]
    author = await world.user("author")
    posts = [(await world.post(author)).id for _ in range(POSTS)]
    await world.count()
    pairs: list[Line] = [{"follower": a, "followee": b} for a in people for b in people if a != b]
    those: list[Line] = [{"post": post_id} for post_id in posts]
    asked = [
        ("follows", pairs),
        ("unfollows", pairs),
        ("follows", pairs),
        ("delete-posts", those),
        ("restore-posts", those),
    ]
    bulks = [
        (await sent(writing, kind, random.sample(lines, len(lines)), chunk_lines=60), len(lines))
        for kind, lines in asked
    ]

    async def live(number: int) -> None:
        me, other = random.sample(people, 2)
        post = random.choice(posts)
        doings: list[tuple[Callable[..., Awaitable[Any]], int]] = [
            (follows.follow_user, other), (follows.unfollow_user, other), (likes.like_post, post),
            (likes.unlike_post, post), (blocks.block_user, other),
        ]  # fmt: skip
        command, subject = doings[number % len(doings)]
        try:
            await Writer(writing, Viewer(me)).run(command, subject)
        except Refused:
            refused.append(command.__name__)

    refused: list[str] = []
    working = [asyncio.create_task(runner(writing).run_all()) for _ in range(3)]
    for start in range(0, LIVE, 10):
        await asyncio.gather(*(live(start + one) for one in range(10)))
    await asyncio.gather(*working)
    for bulk_id, number in bulks:
        assert len(await outcomes_of(world, bulk_id)) == number
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert {row["state"] for row in await contents(world, models.Job)} == {"done"}
    between = {frozenset((row["blocker_id"], row["blocked_id"])) for row in await contents(world, models.Block)}
    followed = {frozenset((row["follower_id"], row["followee_id"])) for row in await contents(world, models.UserFollow)}
    assert between
    assert followed
    assert not between & followed, "nobody follows across a block"
    assert len(refused) < LIVE / 2
    assert await drift(world) == {}
