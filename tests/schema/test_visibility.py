"""Who sees what, on every path that leads to a post, a comment or a person."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from tests.api import Api, api_on, global_id
from tests.world import NEVER, YESTERDAY, World, world_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOMORROW = datetime.now(UTC) + timedelta(days=1)
LONG_AGO = YESTERDAY - timedelta(days=2)


class Town:
    """Ann writes; Sue is suspended, Del deleted; Bob and Ann block each other; Mia mutes Ann; Mo moderates."""

    people: dict[str, models.User]
    posts: dict[str, models.Post]
    comments: dict[str, models.Comment]
    tag: models.Tag

    def __init__(self, api: Api) -> None:
        self.api = api

    def viewer(self, name: str) -> models.User | None:
        return None if name == "nobody" else self.people[name]

    async def settle(self, world: World) -> None:
        columns: dict[str, Any] = {name: {} for name in ("ann", "bob", "cat", "mia", "dan", "stu", "max")}
        columns |= {"mo": {"role": "moderator"}, "sue": {"suspended_at": YESTERDAY}, "del": {"deleted_at": YESTERDAY}}
        self.people = {name: await world.user(name, **given) for name, given in columns.items()}
        people = self.people
        self.tag = await world.tag("town")
        # Bob is blocked by Ann, and Cat blocks Ann: a block hides in both directions.
        await world.block(people["ann"], people["bob"])
        await world.block(people["cat"], people["ann"])
        await world.mute(people["mia"], people["ann"])
        for follower in ("bob", "cat", "mia", "stu", "max"):
            await world.follow_tag(people[follower], self.tag)
            for followee in ("ann", "sue", "del"):
                await world.follow(people[follower], people[followee])
        await self.write(world)
        await world.count()

    async def write(self, world: World) -> None:
        ann, tags = self.people["ann"], (self.tag,)
        self.posts = {
            "public": await world.post(ann, "townsfolk public", tags=tags),
            "due": await world.post(ann, "townsfolk due", YESTERDAY, tags, status="scheduled"),
            "scheduled": await world.post(ann, "townsfolk scheduled", TOMORROW, tags, status="scheduled"),
            "draft": await world.post(ann, "townsfolk draft", NEVER, tags),
            "deleted": await world.post(ann, "townsfolk deleted", tags=tags, deleted_at=YESTERDAY),
            "suspended": await world.post(self.people["sue"], "townsfolk suspended", tags=tags),
            "gone": await world.post(self.people["del"], "townsfolk gone", tags=tags),
        }
        public = self.posts["public"]
        dan, stu = self.people["dan"], self.people["stu"]
        self.comments = {
            "live": await world.comment(dan, public),
            "hidden leaf": await world.comment(dan, public, deleted_at=YESTERDAY),
            "hidden parent": await world.comment(dan, public, deleted_at=YESTERDAY, body="secret"),
            "by suspended": await world.comment(self.people["sue"], public, body="secret"),
        }
        self.comments["reply"] = await world.comment(stu, public, self.comments["hidden parent"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(module_database_url: str) -> AsyncIterator[Town]:
    async with world_on(module_database_url) as world, api_on(module_database_url) as api:
        settled = Town(api)
        await settled.settle(world)
        yield settled


VIEWERS = ("nobody", "dan", "ann", "bob", "cat", "mia", "mo")
EVERYONE = frozenset(VIEWERS)
UNBLOCKED = EVERYONE - {"bob", "cat"}

ACCESSIBLE = {
    "public": UNBLOCKED,
    "due": UNBLOCKED,
    "scheduled": {"ann"},
    "draft": {"ann"},
    "deleted": {"mo"},
    "suspended": {"mo"},
    "gone": {"mo"},
}
"""Who may open a post by its name."""

LISTED = {"public": UNBLOCKED, "due": UNBLOCKED}
"""Who finds it in a list. No role widens this."""


@pytest.mark.parametrize("post", ACCESSIBLE)
@pytest.mark.parametrize("viewer", VIEWERS)
async def test_who_may_open_a_post(town: Town, viewer: str, post: str) -> None:
    query = """query ($id: ID!, $slug: String!) {
        node(id: $id) { id } nodes(ids: [$id]) { id }
        byId: post(by: {id: $id}) { id } bySlug: post(by: {slug: $slug}) { id }
    }"""
    row = town.posts[post]
    found = await town.api(query, town.viewer(viewer), id=global_id(row), slug=row.slug)
    wanted = {"id": global_id(row)} if viewer in ACCESSIBLE[post] else None
    assert found == {"node": wanted, "nodes": [wanted], "byId": wanted, "bySlug": wanted}


LISTS = """query ($ann: ID!, $sue: ID!, $tag: String!) {
    ann: user(by: {id: $ann}) { newest: posts { nodes { id } } oldest: posts(order: OLDEST) { nodes { id } }
                                top: posts(order: TOP) { nodes { id } } }
    sue: user(by: {id: $sue}) { newest: posts { nodes { id } } top: posts(order: TOP) { nodes { id } } }
    tag(slug: $tag) { newest: posts { nodes { id } } oldest: posts(order: OLDEST) { nodes { id } }
                      top: posts(order: TOP) { nodes { id } } }
    search(query: "townsfolk", types: [POST]) { nodes { ... on Post { id } } }
}"""

FEEDS = """{
    global: feed(kind: GLOBAL) { nodes { id } } oldest: feed(kind: GLOBAL, order: OLDEST) { nodes { id } }
    globalHot: feed(kind: GLOBAL, order: HOT) { nodes { id } }
    popular: feed(kind: POPULAR) { nodes { id } } top: feed(kind: POPULAR, order: TOP) { nodes { id } }
    discussed: feed(kind: DISCUSSED) { nodes { id } }
    mostCommented: feed(kind: DISCUSSED, order: MOST_COMMENTED) { nodes { id } }
    filtered: feed(kind: GLOBAL, filter: {tags: ["town"]}) { nodes { id } }
    home: feed(kind: HOME) { nodes { id } } users: feed(kind: FOLLOWING_USERS) { nodes { id } }
    tags: feed(kind: FOLLOWING_TAGS) { nodes { id } } homeTop: feed(kind: HOME, order: TOP) { nodes { id } }
}"""


def ids_in(found: Any) -> list[set[str]]:  # noqa: ANN401 - JSON.
    """The ids in each list of an answer."""
    if isinstance(found, dict) and "nodes" in found:
        return [{node["id"] for node in found["nodes"]}]
    return [ids for value in found.values() if value for ids in ids_in(value)]


@pytest.mark.parametrize("viewer", VIEWERS)
async def test_what_lists_show(town: Town, viewer: str) -> None:
    ids = {name: global_id(town.people[name]) for name in ("ann", "sue")}
    found = await town.api(LISTS, town.viewer(viewer), tag="town", **ids)
    wanted = {global_id(town.posts[post]) for post, viewers in LISTED.items() if viewer in viewers}
    assert (found["sue"] is not None) == (viewer == "mo"), "only a moderator opens the page of somebody suspended"
    if found["sue"]:
        assert ids_in(found.pop("sue")) == [set(), set()], "and even they find no list of their posts"
    assert all(ids == wanted for ids in ids_in(found)), found


@pytest.mark.parametrize("viewer", ["nobody", "dan", "ann", "bob", "cat", "mia", "mo", "stu"])
async def test_what_feeds_show(town: Town, viewer: str) -> None:
    found = await town.api(FEEDS, town.viewer(viewer))
    public = {global_id(town.posts[post]) for post in LISTED}
    everyone_sees = set() if viewer in {"bob", "cat", "mia"} else public
    for name in ("global", "oldest", "globalHot", "popular", "top", "discussed", "mostCommented", "filtered"):
        assert ids_in(found[name]) == [everyone_sees], name
    follows = public if viewer == "stu" else set()
    own = public if viewer == "ann" else follows
    for name, wanted in {"users": follows, "tags": follows, "home": own, "homeTop": own}.items():
        assert ids_in(found[name]) == [wanted], name


THREAD = """query ($id: ID!) { post(by: {id: $id}) {
    top: comments { nodes { ...c } } newest: comments(order: NEWEST) { nodes { ...c } }
    oldest: comments(order: OLDEST) { nodes { ...c } } tree: commentTree { nodes { ...c } }
    commentPreview(first: 10) { ...c }
} } fragment c on Comment { id isTombstone body bodyHtml author { username } editedAt }"""


@pytest.mark.parametrize("viewer", ["nobody", "dan", "mo"])
async def test_a_thread_shows_tombstones_only_where_something_hangs_on_them(town: Town, viewer: str) -> None:
    found = (await town.api(THREAD, town.viewer(viewer), id=global_id(town.posts["public"])))["post"]
    live, stone, reply = (global_id(town.comments[name]) for name in ("live", "hidden parent", "reply"))
    for name in ("top", "newest", "oldest"):
        assert {node["id"]: node["isTombstone"] for node in found[name]["nodes"]} == {live: False, stone: True}
    assert [node["id"] for node in found["tree"]["nodes"]] == [live, stone, reply]
    assert [node["id"] for node in found["commentPreview"]] == [live]
    tombstone = found["tree"]["nodes"][1]
    assert tombstone == {
        "id": stone, "isTombstone": True, "body": None, "bodyHtml": None, "author": None, "editedAt": None
    }  # fmt: skip


COMMENT = "query ($id: ID!) { node(id: $id) { ... on Comment { isTombstone body author { username } } } }"


@pytest.mark.parametrize(
    ("comment", "viewer", "wanted"),
    [
        ("live", "nobody", "whole"),
        ("live", "bob", "nothing"),  # He does not see the post.
        ("hidden leaf", "nobody", "nothing"),
        ("hidden leaf", "mo", "whole"),
        ("hidden parent", "nobody", "tombstone"),
        ("hidden parent", "mo", "whole"),
        ("by suspended", "dan", "nothing"),
        ("by suspended", "mo", "whole"),
    ],
)
async def test_who_may_open_a_comment(town: Town, comment: str, viewer: str, wanted: str) -> None:
    node = (await town.api(COMMENT, town.viewer(viewer), id=global_id(town.comments[comment])))["node"]
    kind = "nothing" if node is None else "tombstone" if node["isTombstone"] else "whole"
    assert kind == wanted
    if kind == "tombstone":
        assert node == {"isTombstone": True, "body": None, "author": None}


async def test_lists_of_people_leave_out_the_hidden_and_the_blocked(town: Town) -> None:
    query = (
        "query ($id: ID!) { user(by: {id: $id}) { followers { nodes { username } } following { nodes { username } } } }"
    )
    found = await town.api(query, town.people["dan"], id=global_id(town.people["ann"]))
    assert {user["username"] for user in found["user"]["followers"]["nodes"]} == {"bob", "cat", "mia", "stu", "max"}
    found = await town.api(query, town.people["ann"], id=global_id(town.people["ann"]))
    assert {user["username"] for user in found["user"]["followers"]["nodes"]} == {"mia", "stu", "max"}
    found = await town.api(query, town.people["dan"], id=global_id(town.people["stu"]))
    assert {user["username"] for user in found["user"]["following"]["nodes"]} == {"ann"}


async def test_a_blocked_person_is_still_found_by_name_so_that_the_block_can_be_lifted(town: Town) -> None:
    query = """{ user(by: {username: "ANN"}) { username
        viewerState { isBlocking isBlockedBy canFollow cannotFollowReasons } } }"""
    found = await town.api(query, town.people["bob"])
    assert found["user"]["viewerState"] == {
        "isBlocking": False, "isBlockedBy": True, "canFollow": False, "cannotFollowReasons": ["BLOCKED_BY"]
    }  # fmt: skip


async def test_a_draft_shows_no_date_of_publication(town: Town) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Post { status publishedAt scheduledFor } } }"
    ids = [global_id(town.posts[name]) for name in ("draft", "scheduled", "due")]
    draft, scheduled, due = (await town.api(query, town.people["ann"], ids=ids))["nodes"]
    assert draft == {"status": "DRAFT", "publishedAt": None, "scheduledFor": None}
    assert scheduled == {"status": "SCHEDULED", "publishedAt": None, "scheduledFor": TOMORROW.isoformat()}
    assert due == {"status": "PUBLISHED", "publishedAt": YESTERDAY.isoformat(), "scheduledFor": None}
