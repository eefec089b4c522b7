"""Mutes through the schema."""

from feed_service import models
from feed_service.schema.ids import encode
from tests.api import Api, global_id
from tests.commands.laws import contents
from tests.world import World

MUTE = """mutation ($id: ID!) { muteUser(id: $id) { ...payload } } fragment payload on MutePayload {
    user { username viewerState { isMuting } } userErrors { code } }"""
UNMUTE = MUTE.replace("muteUser(", "unmuteUser(")
GLOBAL = "{ feed(kind: GLOBAL) { nodes { title } } }"


async def test_a_mute_keeps_posts_out_of_the_feed_until_it_is_lifted(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.post(bob, "Bread")
    await world.count()
    for query, is_muting in ((MUTE, True), (MUTE, True), (UNMUTE, False), (UNMUTE, False)):
        (payload,) = (await api(query, ann, id=global_id(bob))).values()
        assert payload == {"user": {"username": "bob", "viewerState": {"isMuting": is_muting}}, "userErrors": []}
        assert (await api(GLOBAL, ann))["feed"]["nodes"] == ([] if is_muting else [{"title": "Bread"}])
    log = [(row["kind"], row["action"], row["author_id"]) for row in await contents(world, models.ChangeLog)]
    assert log == [("mute", "create", ann.id), ("mute", "delete", ann.id)]


async def test_neither_oneself_nor_nobody_is_muted(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    before = await contents(world)
    for subject, code in ((global_id(ann), "SELF"), (encode("User", 999), "NOT_FOUND")):
        for query in (MUTE, UNMUTE):
            (payload,) = (await api(query, ann, id=subject)).values()
            assert payload == {"user": None, "userErrors": [{"code": code}]}
    assert await contents(world) == before
