"""Follows through the schema: what they count, who may, and what many at once leave out."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from feed_service import models
from feed_service.schema.ids import encode
from tests.api import Api, Refused, global_id
from tests.commands.laws import contents, drift
from tests.world import World

FOLLOW = """mutation ($id: ID!) { followUser(id: $id) { ...payload } } fragment payload on FollowPayload {
    user { username stats { followerCount } viewerState { isFollowing } } userErrors { code } consistencyToken }"""
UNFOLLOW = FOLLOW.replace("followUser(", "unfollowUser(")
FOLLOW_MANY = """mutation ($ids: [ID!]!) { followUsers(ids: $ids) {
    users { username } userErrors { code field } consistencyToken } }"""


async def test_a_follow_counts_once_on_both_sides(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    for query, count in ((FOLLOW, 1), (FOLLOW, 1), (UNFOLLOW, 0), (UNFOLLOW, 0), (FOLLOW, 1)):
        (payload,) = (await api(query, ann, id=global_id(bob))).values()
        assert payload.pop("consistencyToken")
        assert payload == {
            "user": {
                "username": "bob",
                "stats": {"followerCount": count},
                "viewerState": {"isFollowing": count == 1},
            },
            "userErrors": [],
        }
        assert await drift(world) == {}
    log = [
        (row["kind"], row["action"], row["actor_id"], row["author_id"], row["subject_id"])
        for row in await contents(world, models.ChangeLog)
    ]
    assert log == [("user_follow", action, ann.id, ann.id, bob.id) for action in ("create", "delete", "create")]
    assert await contents(world, models.AuditEvent) == []


async def test_who_cannot_be_followed_is_told_by_one_code_and_nothing_is_written(world: World, api: Api) -> None:
    ann, bob, cat, dan = [await world.user(name) for name in ("ann", "bob", "cat", "dan")]
    gone = await world.user("gone", suspended_at=datetime.now(UTC))
    await world.block(ann, bob)
    await world.block(cat, ann)
    await world.block(ann, dan)
    await world.block(dan, ann)
    await world.count()
    before = await contents(world)
    absent = encode("User", 999)
    for subject, code in [
        (global_id(ann), "SELF"),
        (global_id(bob), "BLOCKED"),
        (global_id(cat), "NOT_FOUND"),
        (global_id(dan), "BLOCKED"),
        (global_id(gone), "NOT_FOUND"),
        (absent, "NOT_FOUND"),
    ]:
        (payload,) = (await api(FOLLOW, ann, id=subject)).values()
        assert payload == {"user": None, "userErrors": [{"code": code}], "consistencyToken": None}
    for subject, code in [(global_id(ann), "SELF"), (global_id(gone), "NOT_FOUND"), (absent, "NOT_FOUND")]:
        (payload,) = (await api(UNFOLLOW, ann, id=subject)).values()
        assert payload == {"user": None, "userErrors": [{"code": code}], "consistencyToken": None}
    assert await contents(world) == before


async def test_many_are_followed_at_once_and_the_others_told_by_their_place(world: World, api: Api) -> None:
    ann, bob, cat, dan, eve = [await world.user(name) for name in ("ann", "bob", "cat", "dan", "eve")]
    await world.follow(ann, bob)
    await world.block(dan, ann)
    await world.block(ann, eve)
    await world.count()
    ids = [global_id(user) for user in (cat, dan, ann, bob, eve, cat)] + [encode("User", 999)]
    payload = (await api(FOLLOW_MANY, ann, ids=ids))["followUsers"]
    assert payload["users"] == [{"username": "cat"}, {"username": "bob"}]
    assert payload["userErrors"] == [
        {"code": code, "field": ["ids", place]}
        for code, place in (("NOT_FOUND", "1"), ("SELF", "2"), ("BLOCKED", "4"), ("NOT_FOUND", "6"))
    ]
    assert payload["consistencyToken"]
    follows = await contents(world, models.UserFollow)
    assert [(row["follower_id"], row["followee_id"]) for row in follows] == [(ann.id, bob.id), (ann.id, cat.id)]
    assert len(await contents(world, models.ChangeLog)) == 1
    assert await drift(world) == {}


async def test_too_many_at_once_are_refused_as_a_whole(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    before = await contents(world)
    payload = (await api(FOLLOW_MANY, ann, ids=[global_id(bob)] * 201))["followUsers"]
    assert payload == {"users": [], "userErrors": [{"code": "TOO_MANY", "field": ["ids"]}], "consistencyToken": None}
    assert await contents(world) == before
    assert (await api(FOLLOW_MANY, ann, ids=[]))["followUsers"]["userErrors"] == []


async def test_two_who_follow_crowds_of_each_other_at_once_do_not_get_into_each_others_way(
    world: World, api: Api
) -> None:
    people = [await world.user(f"user{number}") for number in range(8)]
    await world.count()
    ids = [global_id(user) for user in people]

    async def follow_all(user: models.User, order: list[Any]) -> None:
        assert len((await api(FOLLOW_MANY, user, ids=order))["followUsers"]["users"]) == 7

    await asyncio.gather(*(follow_all(user, order) for user in people for order in (ids, ids[::-1])))
    assert len(await contents(world, models.UserFollow)) == 8 * 7
    assert await drift(world) == {}


@pytest.mark.parametrize(
    ("who", "subject", "code"), [(None, "User:1", "UNAUTHENTICATED"), ("ann", "Post:1", "BAD_USER_INPUT")]
)
async def test_what_no_honest_client_sends_is_an_error(
    world: World, api: Api, who: str | None, subject: str, code: str
) -> None:
    ann = await world.user("ann")
    type_name, number = subject.split(":")
    for query in (FOLLOW, UNFOLLOW):
        with pytest.raises(Refused) as refused:
            await api(query, ann if who else None, id=encode(type_name, int(number)))
        assert refused.value.codes == [code]
