"""Blocks through the schema: what they cut, and that no race leaves a follow across one."""

import asyncio
import random
from datetime import UTC, datetime

from sqlalchemy import insert, select

from feed_service import models
from feed_service.schema.ids import encode
from tests.api import Api, global_id
from tests.commands.laws import contents, drift
from tests.world import World

BLOCK = """mutation ($id: ID!) { blockUser(id: $id) { ...payload } } fragment payload on BlockPayload {
    user { username viewerState { isBlocking isFollowing } } userErrors { code } }"""
UNBLOCK = BLOCK.replace("blockUser(", "unblockUser(")
FOLLOW = "mutation ($id: ID!) { followUser(id: $id) { userErrors { code } } }"
UNFOLLOW = FOLLOW.replace("followUser(", "unfollowUser(")


async def test_a_block_ends_the_follows_both_ways_and_lifting_it_does_not_bring_them_back(
    world: World, api: Api
) -> None:
    ann, bob, cat = [await world.user(name) for name in ("ann", "bob", "cat")]
    for one, other in ((ann, bob), (bob, ann), (ann, cat), (cat, bob)):
        await world.follow(one, other)
    await world.count()
    for query, is_blocking in ((BLOCK, True), (BLOCK, True), (UNBLOCK, False), (UNBLOCK, False)):
        (payload,) = (await api(query, ann, id=global_id(bob))).values()
        state = {"isBlocking": is_blocking, "isFollowing": False}
        assert payload == {"user": {"username": "bob", "viewerState": state}, "userErrors": []}
        assert await drift(world) == {}
    follows = await contents(world, models.UserFollow)
    assert [(row["follower_id"], row["followee_id"]) for row in follows] == [(ann.id, cat.id), (cat.id, bob.id)]
    log = [(row["kind"], row["action"], row["author_id"]) for row in await contents(world, models.ChangeLog)]
    assert sorted(log[:2]) == [("user_follow", "delete", ann.id), ("user_follow", "delete", bob.id)]
    assert log[2:] == [("block", action, who.id) for action in ("create", "delete") for who in (ann, bob)]
    trail = [(row["action"], row["actor_id"], row["subject_id"]) for row in await contents(world, models.AuditEvent)]
    assert trail == [("user.block", ann.id, bob.id), ("user.unblock", ann.id, bob.id)]


async def test_one_can_block_by_whom_one_is_blocked_and_is_not_told(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.block(bob, ann)
    await world.count()
    assert (await api(BLOCK, ann, id=global_id(bob)))["blockUser"]["userErrors"] == []
    assert len(await contents(world, models.Block)) == 2
    assert (await api(UNBLOCK, ann, id=global_id(bob)))["unblockUser"]["userErrors"] == []
    assert [row["blocker_id"] for row in await contents(world, models.Block)] == [bob.id]


async def test_a_block_of_somebody_suspended_can_be_lifted_but_not_set(world: World, api: Api) -> None:
    ann, gone = await world.user("ann"), await world.user("gone", suspended_at=datetime.now(UTC))
    await world.count()
    before = await contents(world)
    for query, subject, code in [
        (BLOCK, global_id(gone), "NOT_FOUND"),
        (UNBLOCK, global_id(gone), "NOT_FOUND"),
        (BLOCK, encode("User", 999), "NOT_FOUND"),
        (BLOCK, global_id(ann), "SELF"),
    ]:
        (payload,) = (await api(query, ann, id=subject)).values()
        assert payload == {"user": None, "userErrors": [{"code": code}]}
    assert await contents(world) == before
    await world.block(ann, gone)
    assert (await api(UNBLOCK, ann, id=global_id(gone)))["unblockUser"] == {"user": None, "userErrors": []}
    assert await contents(world, models.Block) == []


async def test_follows_and_blocks_of_one_pair_at_once_end_consistent(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    chance = random.Random(3)  # noqa: S311 - no secret.
    ways = [(one, global_id(other)) for one, other in ((ann, bob), (bob, ann))]
    calls = [
        (query, *way)
        for query, number in ((FOLLOW, 30), (UNFOLLOW, 6), (BLOCK, 6), (UNBLOCK, 8))
        for way in ways
        for _ in range(number)
    ]
    assert len(calls) == 100
    for _ in range(2):
        chance.shuffle(calls)
        payloads = await asyncio.gather(*(api(query, viewer, id=other) for query, viewer, other in calls))
        assert await drift(world) == {}
        blocks, follows = await contents(world, models.Block), await contents(world, models.UserFollow)
        assert not (blocks and follows)
        # One after the other: whether any of the above met a block of either side was a matter of chance.
        for query, (viewer, other) in ((BLOCK, ways[0]), (FOLLOW, ways[0]), (FOLLOW, ways[1])):
            payloads.append(await api(query, viewer, id=other))
        codes = {error["code"] for answer in payloads for payload in answer.values() for error in payload["userErrors"]}
        assert codes == {"BLOCKED", "NOT_FOUND"}
        await asyncio.gather(*(api(UNBLOCK, viewer, id=other) for viewer, other in ways))


async def test_a_block_is_not_passed_by_follows_that_began_later(world: World, api: Api) -> None:
    """As are those of somebody whom many follow at the same moment: their rows would let all of them pass."""
    ann, bob, cat = [await world.user(name) for name in ("ann", "bob", "cat")]
    await world.count()
    calls = [(FOLLOW, bob, ann), (BLOCK, ann, cat), (FOLLOW, cat, ann)]
    running = []
    async with world.engine.begin() as connection:
        await connection.execute(select(models.UserStats.user_id).with_for_update())
        for query, viewer, other in calls:
            running.append(asyncio.create_task(api(query, viewer, id=global_id(other))))
            await asyncio.sleep(0.1)
        assert not any(task.done() for task in running)
    answers = [payload["userErrors"] for task in running for payload in (await task).values()]
    assert answers == [[], [], [{"code": "NOT_FOUND"}]]
    assert await drift(world) == {}


async def test_a_follow_that_waits_for_a_block_sees_it(world: World, api: Api) -> None:
    """The follow has begun, and waits for the row of somebody who is about to block."""
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    async with world.engine.begin() as connection:
        await connection.execute(select(models.User.id).where(models.User.id == bob.id).with_for_update(key_share=True))
        following = asyncio.create_task(api(FOLLOW, ann, id=global_id(bob)))
        await asyncio.sleep(0.1)
        assert not following.done()
        await connection.execute(insert(models.Block).values(blocker_id=bob.id, blocked_id=ann.id))
    assert (await following)["followUser"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert await contents(world, models.UserFollow) == []
