"""The lists of those whom a viewer blocks and mutes: their own eyes only, newest first."""

from datetime import timedelta

from feed_service import models
from tests.api import Api
from tests.world import YESTERDAY, World

LISTS = """query ($first: Int, $after: String) { viewer {
    blockedUsers(first: $first, after: $after) { nodes { username } pageInfo { endCursor hasNextPage } }
    mutedUsers(first: $first) { nodes { username } } } }"""


async def test_a_viewer_walks_through_whom_they_block_and_mute(world: World, api: Api) -> None:
    ann, *others = [await world.user(name) for name in ("ann", "bob", "cat", "dan", "eve")]
    gone = await world.user("gone", suspended_at=YESTERDAY)
    for number, user in enumerate([*others, gone]):
        at = YESTERDAY + timedelta(minutes=number)
        await world.add(models.Block(blocker_id=ann.id, blocked_id=user.id, created_at=at))
        await world.add(models.Mute(muter_id=user.id, muted_id=ann.id, created_at=at))
        await world.add(models.Mute(muter_id=ann.id, muted_id=user.id, created_at=at))
    found = (await api(LISTS, ann, first=3))["viewer"]
    assert [node["username"] for node in found["blockedUsers"]["nodes"]] == ["eve", "dan", "cat"]
    assert [node["username"] for node in found["mutedUsers"]["nodes"]] == ["eve", "dan", "cat"]
    end = found["blockedUsers"]["pageInfo"]
    assert end["hasNextPage"]
    rest = (await api(LISTS, ann, first=3, after=end["endCursor"]))["viewer"]["blockedUsers"]
    assert [node["username"] for node in rest["nodes"]] == ["bob"]
    assert not rest["pageInfo"]["hasNextPage"]
    bobs = (await api(LISTS, others[0], first=3))["viewer"]
    assert bobs["blockedUsers"]["nodes"] == []
    assert bobs["mutedUsers"]["nodes"] == [{"username": "ann"}]
