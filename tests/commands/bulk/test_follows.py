"""Follows by the thousand: each line is done as if alone, in its order, and every number stays exact."""

from datetime import UTC, datetime
from typing import Any

from feed_service import models
from feed_service.transactions import WriteDatabase
from tests.commands.bulk.sending import done
from tests.commands.laws import contents, drift
from tests.world import World


async def test_every_line_is_judged_alone_and_in_its_order(world: World, writing: WriteDatabase) -> None:
    ann, bob, cat, dan = [await world.user(name) for name in ("Ann", "bob", "cat", "dan")]
    gone = await world.user("gone", deleted_at=datetime.now(UTC))
    away = await world.user("away", suspended_at=datetime.now(UTC))
    await world.follow(ann, bob)
    await world.block(cat, ann)
    await world.count()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"follower": "ann", "followee": "BOB"}, "already"),
        ({"follower": bob.id, "followee": "ann"}, "followed"),
        ({"follower": "bob", "followee": ann.id}, "already"),
        ({"follower": "dan", "followee": dan.id}, "SELF"),
        ({"follower": "ann", "followee": "cat"}, "BLOCKED"),
        ({"follower": "cat", "followee": "ann"}, "BLOCKED"),
        ({"follower": "dan", "followee": "nobody"}, "NOT_FOUND"),
        ({"follower": 2**63 - 1, "followee": "dan"}, "NOT_FOUND"),
        ({"follower": "dan", "followee": "gone"}, "NOT_FOUND"),
        ({"follower": away.id, "followee": "dan"}, "NOT_FOUND"),
        ({"follower": "\u212abob", "followee": "dan"}, "NOT_FOUND"),
        ({"follower": "dan", "followee": "ann"}, "followed"),
    ]
    assert await done(world, writing, "follows", [line for line, _ in cases]) == [outcome for _, outcome in cases]
    pairs = {(row["follower_id"], row["followee_id"]) for row in await contents(world, models.UserFollow)}
    assert pairs == {(ann.id, bob.id), (bob.id, ann.id), (dan.id, ann.id)}
    events = [
        (row["kind"], row["action"], row["author_id"], row["subject_id"])
        for row in await contents(world, models.ChangeLog)
    ]
    assert events == [("user_follow", "create", bob.id, ann.id), ("user_follow", "create", dan.id, ann.id)]
    assert await drift(world) == {}
    assert gone.id not in {one for pair in pairs for one in pair}


async def test_follows_are_taken_back_whatever_became_of_the_people(world: World, writing: WriteDatabase) -> None:
    ann, bob = await world.user("ann"), await world.user("bob", suspended_at=datetime.now(UTC))
    await world.follow(ann, bob)
    await world.follow(bob, ann)
    await world.count()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"follower": "ann", "followee": "bob"}, "unfollowed"),
        ({"follower": ann.id, "followee": bob.id}, "not_following"),
        ({"follower": "ann", "followee": "ann"}, "not_following"),
        ({"follower": "ann", "followee": "nobody"}, "NOT_FOUND"),
        ({"follower": "bob", "followee": "ann"}, "unfollowed"),
    ]
    assert await done(world, writing, "unfollows", [line for line, _ in cases]) == [outcome for _, outcome in cases]
    assert await contents(world, models.UserFollow) == []
    assert [row["action"] for row in await contents(world, models.ChangeLog)] == ["delete", "delete"]
    assert await drift(world) == {}


async def test_more_lines_than_a_statement_has_parameters(world: World, writing: WriteDatabase) -> None:
    people = [f"user{number}" for number in range(200)]
    await done(world, writing, "users", [{"username": name} for name in people])
    pairs = [{"follower": a, "followee": b} for a in people for b in people]
    outcomes = await done(world, writing, "follows", pairs, chunk_lines=40_000)
    assert (outcomes.count("followed"), outcomes.count("SELF"), len(outcomes)) == (39_800, 200, 40_000)
    assert {row["following_count"] for row in await contents(world, models.UserStats)} == {199}
    assert await drift(world) == {}
