"""Followed tags through the schema."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, insert, literal, select

from feed_service import models
from feed_service.commands import tag_follows
from tests.api import Api, Refused
from tests.commands.laws import contents, drift
from tests.world import World

FOLLOW = """mutation ($slugs: [String!]!) { followTags(slugs: $slugs) { ...payload } }
    fragment payload on TagFollowPayload { tags { slug followerCount viewerIsFollowing }
    userErrors { code field } consistencyToken }"""
UNFOLLOW = FOLLOW.replace("followTags(", "unfollowTags(")


async def test_tags_are_followed_and_those_that_are_not_there_are_told(world: World, api: Api) -> None:
    ann = await world.user("ann")
    for slug in ("bread", "rye", "oven"):
        await world.tag(slug)
    await world.count()
    for query, is_following in ((FOLLOW, True), (FOLLOW, True), (UNFOLLOW, False), (UNFOLLOW, False)):
        (payload,) = (await api(query, ann, slugs=["rye", "none", "bread", "rye"])).values()
        assert payload.pop("consistencyToken")
        assert payload == {
            "tags": [
                {"slug": slug, "followerCount": int(is_following), "viewerIsFollowing": is_following}
                for slug in ("rye", "bread")
            ],
            "userErrors": [{"code": "NOT_FOUND", "field": ["slugs", "1"]}],
        }
        assert await drift(world) == {}
    log = [(row["kind"], row["action"], row["author_id"]) for row in await contents(world, models.ChangeLog)]
    assert log == [("tag_follow", action, ann.id) for action in ("create", "create", "delete", "delete")]


async def test_too_many_tags_are_refused_at_once_and_in_sum(world: World, api: Api) -> None:
    ann = await world.user("ann")
    most = tag_follows.MOST_FOLLOWED
    rows = [{"id": number, "slug": f"tag{number}", "name": "Tag"} for number in range(1, most + 21)]
    async with world.engine.begin() as connection:
        await connection.execute(insert(models.Tag), rows)
        await connection.execute(
            insert(models.TagFollow).from_select(
                ["user_id", "tag_id"], select(literal(ann.id), models.Tag.id).where(models.Tag.id <= most - 10)
            )
        )
    await world.count()
    before = await contents(world)
    for slugs in (["tag1"] * 101, [f"tag{number}" for number in range(most - 10, most + 2)]):
        payload: Any = (await api(FOLLOW, ann, slugs=slugs))["followTags"]
        assert payload["tags"] == []
        assert payload["userErrors"] == [{"code": "TOO_MANY", "field": ["slugs"]}]
    assert await contents(world) == before
    # Each of these alone would do; all of them at once are one too many.
    calls = (api(FOLLOW, ann, slugs=[f"tag{number}"]) for number in range(most + 1, most + 21))
    answers = await asyncio.gather(*calls)
    assert sum(answer["followTags"]["userErrors"] == [] for answer in answers) == 10
    async with world.engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(models.TagFollow))).scalar_one() == most
    assert await drift(world) == {}


async def test_nobody_follows_no_tag(api: Api) -> None:
    for query in (FOLLOW, UNFOLLOW):
        with pytest.raises(Refused) as refused:
            await api(query, None, slugs=["none"])
        assert refused.value.codes == ["UNAUTHENTICATED"]
