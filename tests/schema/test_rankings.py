"""Ranked feeds as clients page through them: exact ends, nothing hidden, and what they are told of the snapshot."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from feed_service.loaders.generations import Generations
from feed_service.paging import Cursors, Order
from tests.api import Api, Refused, api_on, global_id
from tests.commands.writing import do
from tests.world import World, world_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEED = """query ($kind: FeedKind!, $order: PostOrder, $filter: FeedFilter, $first: Int, $after: String, $last: Int,
    $before: String, $upTo: Int! = 100) {
    feed(kind: $kind, order: $order, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        nodes { title } edges { cursor position } emptyReason count(upTo: $upTo) { value isCapped }
        snapshot { generation asOf expiresAt restarted }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


class Stage:
    """Ten posts by Ann, of which the first has the most likes and the last none; Vera looks on."""

    people: dict[str, models.User]
    posts: list[models.Post]

    def __init__(self, api: Api) -> None:
        self.api = api

    async def settle(self, world: World) -> None:
        self.people = {name: await world.user(name) for name in ("ann", "vera", "fan")}
        self.posts = [await world.post(self.people["ann"], str(number)) for number in range(10)]
        for number, post in enumerate(self.posts):
            for fan in list(self.people.values())[: 3 - number // 3]:
                await world.like(fan, post)
        await world.count()

    async def feed(self, viewer: str | None = "vera", **variables: Any) -> Any:  # noqa: ANN401 - JSON.
        variables = {"kind": "POPULAR", "order": "TOP", **variables}
        return (await self.api(FEED, self.people[viewer] if viewer else None, **variables))["feed"]


def titles(feed: Any) -> list[str]:  # noqa: ANN401 - JSON.
    return [node["title"] for node in feed["nodes"]]


def ends(feed: Any) -> tuple[bool, bool]:  # noqa: ANN401 - JSON.
    return feed["pageInfo"]["hasPreviousPage"], feed["pageInfo"]["hasNextPage"]


IN_ORDER = ["2", "1", "0", "5", "4", "3", "8", "7", "6", "9"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(module_database_url: str) -> AsyncIterator[Stage]:
    async with world_on(module_database_url) as world, api_on(module_database_url) as api:
        settled = Stage(api)
        await settled.settle(world)
        yield settled


async def test_a_ranked_page_names_its_snapshot_and_a_filtered_one_has_none(stage: Stage) -> None:
    page = await stage.feed(first=3)
    found = page["snapshot"]
    as_of, expires_at = (datetime.fromisoformat(found[name]) for name in ("asOf", "expiresAt"))
    assert (expires_at - as_of, found["restarted"]) == (timedelta(minutes=15), False)
    assert (await stage.feed(first=3, after=page["pageInfo"]["endCursor"]))["snapshot"] == found
    for live in ({"filter": {"window": "MONTH"}}, {"filter": {"languages": ["en"]}}, {"kind": "GLOBAL"}):
        assert (await stage.feed(first=3, **live))["snapshot"] is None
    assert (await stage.feed(filter={"window": "ALL"}))["snapshot"] == found


async def test_every_place_can_be_reached_from_both_sides(stage: Stage) -> None:
    whole = await stage.feed()
    assert (titles(whole), ends(whole)) == (IN_ORDER, (False, False))
    cursors = [edge["cursor"] for edge in whole["edges"]]
    for start in range(9):
        after = await stage.feed(first=4, after=cursors[start])
        assert (titles(after), ends(after)) == (IN_ORDER[start + 1 : start + 5], (True, start < 5))
        before = await stage.feed(last=4, before=cursors[start])
        assert (titles(before), ends(before)) == (IN_ORDER[max(0, start - 4) : start], (start > 4, True))
        between = await stage.feed(first=10, after=cursors[0], before=cursors[start])
        assert titles(between) == IN_ORDER[1:start]
    last = await stage.feed(last=3)
    assert (titles(last), ends(last)) == (IN_ORDER[-3:], (True, False))
    end = await stage.feed(after=cursors[-1])
    assert (titles(end), ends(end), end["emptyReason"]) == ([], (True, False), "END_OF_FEED")


async def test_positions_are_of_one_width_and_fall_along_the_list(stage: Stage) -> None:
    positions = [edge["position"] for edge in (await stage.feed())["edges"]]
    assert positions == sorted(positions, reverse=True)
    assert {len(position) for position in positions} == {32}


async def test_what_is_hidden_is_gone_at_once_and_the_ends_know(stage: Stage) -> None:
    cursors = [edge["cursor"] for edge in (await stage.feed())["edges"]]
    hidden = [global_id(stage.posts[number]) for number in (2, 5, 9)]
    for post in hidden:
        await do(stage.api, "deletePost", stage.people["ann"], post)
    left = [title for title in IN_ORDER if title not in {"2", "5", "9"}]
    for viewer in ("vera", "ann", None):
        page = await stage.feed(viewer, upTo=7)
        assert (titles(page), page["count"]) == (left, {"value": 7, "isCapped": False})
    first = await stage.feed(first=3, upTo=3)
    assert (titles(first), first["count"]) == (["1", "0", "4"], {"value": 3, "isCapped": True})
    assert ends(await stage.feed(first=2, after=cursors[0])) == (False, True)
    assert ends(await stage.feed(last=1, before=cursors[9])) == (True, False)
    for post in hidden:
        await do(stage.api, "restorePost", stage.people["ann"], post)
    assert titles(await stage.feed()) == IN_ORDER


@pytest.mark.parametrize(("verb", "undo"), [("muteUser", "unmuteUser"), ("blockUser", "unblockUser")])
async def test_a_mute_and_a_block_empty_the_frozen_list_for_one_viewer(stage: Stage, verb: str, undo: str) -> None:
    ann, cursor = global_id(stage.people["ann"]), (await stage.feed(first=4))["pageInfo"]["endCursor"]
    await stage.api(
        f"mutation ($id: ID!) {{ {verb}(id: $id) {{ userErrors {{ code }} }} }}", stage.people["vera"], id=ann
    )
    page = await stage.feed()
    assert (titles(page), ends(page), page["count"]["value"]) == ([], (False, False), 0)
    assert titles(await stage.feed(after=cursor)) == []
    assert titles(await stage.feed("fan")) == titles(await stage.feed(None)) == IN_ORDER
    await stage.api(
        f"mutation ($id: ID!) {{ {undo}(id: $id) {{ userErrors {{ code }} }} }}", stage.people["vera"], id=ann
    )
    assert titles(await stage.feed()) == IN_ORDER


@pytest.mark.parametrize(("size", "bound"), [("first", "after"), ("last", "before")])
async def test_the_cursor_of_a_lost_generation_begins_the_current_one(stage: Stage, size: str, bound: str) -> None:
    cursor = (await stage.feed(first=5))["pageInfo"]["endCursor"]
    stage.api.generations = Generations()
    page = await stage.feed(**{size: 3, bound: cursor}, upTo=4)
    assert page["snapshot"]["restarted"]
    assert (titles(page), ends(page)) == (IN_ORDER[:3], (False, True))
    assert page["count"] == {"value": 4, "isCapped": True}
    following = await stage.feed(first=10, after=page["pageInfo"]["endCursor"])
    assert (titles(following), ends(following)) == (IN_ORDER[3:], (True, False))
    assert following["snapshot"] == {**page["snapshot"], "restarted": False}


async def test_cursors_of_two_generations_end_no_list(stage: Stage) -> None:
    old = (await stage.feed(first=2))["pageInfo"]["endCursor"]
    kept, stage.api.generations = stage.api.generations, Generations()
    new = (await stage.feed(first=5))["pageInfo"]["endCursor"]
    stage.api.generations._kept.update(kept._kept)  # noqa: SLF001 - a process that knows both.
    page = await stage.feed(first=3, after=old, before=new)
    assert (titles(page), page["snapshot"]["restarted"]) == (IN_ORDER[:3], True)


async def test_cursors_are_good_for_their_own_ranking_only(stage: Stage) -> None:
    cursor = (await stage.feed(first=2))["pageInfo"]["endCursor"]
    live = (await stage.feed(first=2, filter={"window": "MONTH"}))["pageInfo"]["endCursor"]
    forged = Cursors(b"another secret").encode(Order("feed:POPULAR:TOP", "ii"), (1, 0))
    wrong: list[dict[str, Any]] = [
        {"order": "HOT", "after": cursor},
        {"kind": "DISCUSSED", "order": None, "after": cursor},
        {"filter": {"window": "MONTH"}, "after": cursor},
        {"after": live},
        {"before": forged},
    ]
    for variables in wrong:
        with pytest.raises(Refused) as refusal:
            await stage.feed(first=2, **variables)
        assert refusal.value.codes == ["INVALID_CURSOR"]
