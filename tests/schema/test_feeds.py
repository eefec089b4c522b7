"""What feeds hold, why, and what they refuse."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from tests.api import Api, Refused, api_on, global_id
from tests.world import YESTERDAY, World, world_on

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Newsroom:
    """Vera follows Ann and the tags tea and rain. Ann, Ben and Vera write; Loner follows nothing."""

    people: dict[str, models.User]
    posts: dict[str, models.Post]

    def __init__(self, api: Api) -> None:
        self.api = api

    async def settle(self, world: World) -> None:
        self.people = {name: await world.user(name) for name in ("vera", "ann", "ben", "loner", "newcomer", "quiet")}
        vera, ann, ben = (self.people[name] for name in ("vera", "ann", "ben"))
        tea, rain, mud = [await world.tag(slug) for slug in ("tea", "rain", "mud")]
        news = await world.add(models.Category(slug="news", name="News", position=1))
        await world.add(models.Category(slug="art", name="Art", position=0))
        at = [YESTERDAY - timedelta(hours=hour) for hour in range(8)]
        self.posts = {
            "own": await world.post(vera, "own", at[0], (tea,)),
            "ann": await world.post(ann, "ann", at[1], category_id=news.id, language="en"),
            "ann on tea": await world.post(ann, "ann on tea", at[2], (tea, rain), language="de"),
            "ben on tea": await world.post(ben, "ben on tea", at[3], (tea, mud), language="en"),
            "ben on mud": await world.post(ben, "ben on mud", at[4], (mud,)),
            "old": await world.post(ann, "old", YESTERDAY - timedelta(days=40), (rain,)),
        }
        await world.follow(vera, ann)
        await world.follow(self.people["newcomer"], self.people["quiet"])
        for tag in (tea, rain):
            await world.follow_tag(vera, tag)
        for fan in ("ann", "ben", "loner"):
            await world.like(self.people[fan], self.posts["ben on mud"])
        await world.comment(vera, self.posts["ben on tea"])
        await world.count()

    async def titles(self, arguments: str, viewer: str | None = "vera") -> list[str]:
        query = f"{{ feed({arguments}) {{ nodes {{ title }} }} }}"
        found = await self.api(query, self.people[viewer] if viewer else None)
        return [node["title"] for node in found["feed"]["nodes"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def newsroom(module_database_url: str) -> AsyncIterator[Newsroom]:
    async with world_on(module_database_url) as world, api_on(module_database_url) as api:
        settled = Newsroom(api)
        await settled.settle(world)
        yield settled


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("kind: HOME", ["own", "ann", "ann on tea", "ben on tea", "old"]),
        ("kind: HOME, order: OLDEST", ["old", "ben on tea", "ann on tea", "ann", "own"]),
        ("kind: FOLLOWING_USERS", ["ann", "ann on tea", "old"]),
        ("kind: FOLLOWING_TAGS", ["own", "ann on tea", "ben on tea", "old"]),
        ("kind: GLOBAL", ["own", "ann", "ann on tea", "ben on tea", "ben on mud", "old"]),
        ("kind: GLOBAL, order: TOP", ["ben on mud", "ben on tea", "ann on tea", "ann", "own"]),
        ("kind: HOME, order: HOT", ["ben on tea", "own", "ann", "ann on tea"]),
        ("kind: POPULAR, order: TOP", ["ben on mud", "old", "ben on tea", "ann on tea", "ann", "own"]),
        ("kind: DISCUSSED, order: MOST_COMMENTED, first: 1", ["ben on tea"]),
        ('kind: HOME, filter: {tags: ["mud", "rain"]}', ["ann on tea", "ben on tea", "old"]),
        ('kind: HOME, filter: {excludeTags: ["tea"]}', ["ann", "old"]),
        ('kind: GLOBAL, filter: {category: "news"}', ["ann"]),
        ('kind: GLOBAL, filter: {languages: ["en", "fr"]}', ["ann", "ben on tea"]),
        ("kind: HOME, filter: {window: MONTH}", ["own", "ann", "ann on tea", "ben on tea"]),
        (
            "kind: POPULAR, order: TOP, filter: {window: MONTH}",
            ["ben on mud", "ben on tea", "ann on tea", "ann", "own"],
        ),
        ('kind: GLOBAL, filter: {languages: ["en"], tags: ["tea"]}, last: 1', ["ben on tea"]),
    ],
)
async def test_what_a_feed_holds(newsroom: Newsroom, arguments: str, wanted: list[str]) -> None:
    assert await newsroom.titles(arguments) == wanted


async def test_a_filter_by_author_takes_ids_of_users_only(newsroom: Newsroom) -> None:
    ben, post = global_id(newsroom.people["ben"]), global_id(newsroom.posts["own"])
    assert await newsroom.titles(f'kind: HOME, filter: {{authors: ["{ben}"]}}') == ["ben on tea"]
    with pytest.raises(Refused) as refusal:
        await newsroom.titles(f'kind: HOME, filter: {{authors: ["{post}"]}}')
    assert refusal.value.codes == ["BAD_USER_INPUT"]


WHY = """{ feed(kind: %s) { nodes { title } edges { reason { __typename
    ... on OwnPost { tags { slug } } ... on FollowedAuthor { author { username } tags { slug } }
    ... on FollowedTags { tags { slug } } ... on TrendingNow { likeCount }
    ... on ActiveDiscussion { lastActivityAt } ... on PublicPost { publishedAt } } } } }"""


async def why(newsroom: Newsroom, kind: str) -> dict[str, Any]:
    feed = (await newsroom.api(WHY % kind, newsroom.people["vera"]))["feed"]
    return {node["title"]: edge["reason"] for node, edge in zip(feed["nodes"], feed["edges"], strict=True)}


async def test_why_a_post_is_in_a_feed(newsroom: Newsroom) -> None:
    assert await why(newsroom, "HOME") == {
        "own": {"__typename": "OwnPost", "tags": [{"slug": "tea"}]},
        "ann": {"__typename": "FollowedAuthor", "author": {"username": "ann"}, "tags": []},
        "ann on tea": {
            "__typename": "FollowedAuthor", "author": {"username": "ann"}, "tags": [{"slug": "tea"}, {"slug": "rain"}]
        },
        "ben on tea": {"__typename": "FollowedTags", "tags": [{"slug": "tea"}]},
        "old": {"__typename": "FollowedAuthor", "author": {"username": "ann"}, "tags": [{"slug": "rain"}]},
    }  # fmt: skip
    tags = await why(newsroom, "FOLLOWING_TAGS")
    assert {reason["__typename"] for reason in tags.values()} == {"FollowedTags"}
    assert (await why(newsroom, "POPULAR"))["ben on mud"] == {"__typename": "TrendingNow", "likeCount": 3}
    assert (await why(newsroom, "GLOBAL"))["own"] == {"__typename": "PublicPost", "publishedAt": YESTERDAY.isoformat()}
    assert (await why(newsroom, "DISCUSSED"))["ben on tea"]["__typename"] == "ActiveDiscussion"


@pytest.mark.parametrize(
    ("viewer", "arguments", "wanted"),
    [
        (None, "kind: HOME", "ANONYMOUS"),
        (None, "kind: FOLLOWING_TAGS", "ANONYMOUS"),
        ("loner", "kind: HOME", "NO_FOLLOWS"),
        ("loner", "kind: FOLLOWING_USERS", "NO_FOLLOWS"),
        ("newcomer", "kind: FOLLOWING_USERS", "NO_POSTS"),
        ("newcomer", "kind: FOLLOWING_TAGS", "NO_FOLLOWS"),
        ("vera", 'kind: HOME, filter: {languages: ["xx"]}', "ALL_FILTERED"),
        (None, 'kind: GLOBAL, filter: {category: "nowhere"}', "ALL_FILTERED"),
        ("vera", "kind: HOME", None),
    ],
)
async def test_why_a_feed_is_empty(newsroom: Newsroom, viewer: str | None, arguments: str, wanted: str | None) -> None:
    query = f"{{ feed({arguments}) {{ emptyReason nodes {{ id }} count {{ value isCapped }} }} }}"
    feed = (await newsroom.api(query, newsroom.people[viewer] if viewer else None))["feed"]
    assert feed["emptyReason"] == wanted
    assert bool(feed["nodes"]) == (wanted is None)
    assert bool(feed["count"]["value"]) == (wanted is None)


async def test_the_end_of_a_feed_is_not_an_empty_feed(newsroom: Newsroom) -> None:
    query = "query ($after: String) { feed(kind: GLOBAL, after: $after) { emptyReason pageInfo { endCursor } } }"
    end = (await newsroom.api(query))["feed"]["pageInfo"]["endCursor"]
    assert (await newsroom.api(query, after=end))["feed"]["emptyReason"] == "END_OF_FEED"


async def test_a_feed_is_counted_up_to_a_limit(newsroom: Newsroom) -> None:
    query = "{ feed(kind: GLOBAL, first: 1) { all: count { value isCapped } few: count(upTo: 4) { value isCapped } } }"
    feed = (await newsroom.api(query))["feed"]
    assert feed == {"all": {"value": 6, "isCapped": False}, "few": {"value": 4, "isCapped": True}}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("kind: POPULAR, order: NEWEST", "HOT, TOP"),
        ("kind: HOME, order: MOST_COMMENTED", "NEWEST, OLDEST, HOT, TOP"),
        ("kind: DISCUSSED, order: HOT", "NEWEST_ACTIVITY, MOST_COMMENTED"),
        ("kind: HOME, order: TOP, filter: {window: MONTH}", "HOUR, DAY or WEEK"),
    ],
)
async def test_an_order_that_a_kind_lacks_is_refused_with_those_it_has(
    newsroom: Newsroom, arguments: str, named: str
) -> None:
    with pytest.raises(Refused, match=named) as refusal:
        await newsroom.titles(arguments)
    assert refusal.value.codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    "arguments",
    [
        "kind: HOME", "kind: FOLLOWING_TAGS", "kind: GLOBAL, order: OLDEST", "kind: GLOBAL, order: HOT",
        "kind: POPULAR", "kind: DISCUSSED", 'kind: HOME, filter: {tags: ["tea", "rain"]}',
        "kind: POPULAR, filter: {window: YEAR}",
    ],
)  # fmt: skip
async def test_every_feed_is_the_same_read_in_any_pages(newsroom: Newsroom, arguments: str) -> None:
    whole = await newsroom.titles(arguments)
    for size in (1, 2, 3):
        assert await walk(newsroom, arguments, size, "first", "after", "endCursor", "hasNextPage") == whole
        back = await walk(newsroom, arguments, size, "last", "before", "startCursor", "hasPreviousPage")
        assert back == whole


async def walk(
    newsroom: Newsroom, arguments: str, size: int, count: str, bound: str, cursor: str, more: str
) -> list[str]:
    info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    feed_of = f"feed({arguments}, {count}: {size}, {bound}: $at)"
    query = f"query ($at: String) {{ {feed_of} {{ edges {{ position node {{ title }} }} {info} }} }}"
    found: list[str] = []
    at = None
    for _ in range(12):
        feed = (await newsroom.api(query, newsroom.people["vera"], at=at))["feed"]
        titles = [edge["node"]["title"] for edge in feed["edges"]]
        found = found + titles if count == "first" else titles + found
        if not feed["pageInfo"][more]:
            return found
        at = feed["pageInfo"][cursor]
    raise AssertionError("the walk does not end")


async def test_positions_sort_as_the_feed_does(newsroom: Newsroom) -> None:
    feed = (await newsroom.api("{ feed(kind: GLOBAL) { edges { position } } }"))["feed"]
    positions = [edge["position"] for edge in feed["edges"]]
    assert positions == sorted(positions, reverse=True)
    assert {len(position) for position in positions} == {32}


async def test_a_cursor_of_another_feed_is_refused(newsroom: Newsroom) -> None:
    query = "{ a: feed(kind: GLOBAL, first: 1) { pageInfo { endCursor } } }"
    cursor = (await newsroom.api(query))["a"]["pageInfo"]["endCursor"]
    for other in (
        "kind: HOME",
        "kind: GLOBAL, order: OLDEST",
        'kind: GLOBAL, filter: {tags: ["tea"]}',
        "kind: POPULAR",
    ):
        with pytest.raises(Refused) as refusal:
            await newsroom.titles(f'{other}, after: "{cursor}"')
        assert refusal.value.codes == ["INVALID_CURSOR"]


async def test_search_finds_posts_people_and_tags(newsroom: Newsroom) -> None:
    query = """query ($q: String!, $t: [SearchType!]) { search(query: $q, types: $t) { isCapped nodes {
        __typename ... on Post { title } ... on User { username } ... on Tag { slug } } } }"""

    async def found(words: str, *types: str) -> list[str]:
        nodes = (await newsroom.api(query, q=words, t=list(types) or None))["search"]["nodes"]
        return [next(value for key, value in node.items() if key != "__typename") for node in nodes]

    assert set(await found("tea", "POST")) == {"own", "ann on tea", "ben on tea"}
    assert await found('"ben on" -tea', "POST") == ["ben on mud"]
    assert await found("tea", "TAG") == ["tea"]
    assert await found("ver", "USER") == ["vera"]
    assert await found("be", "USER") == ["ben"]
    assert await found("BE", "USER") == ["ben"]
    assert [await found(pattern, "USER") for pattern in ("%", "_", "b%", "\\")] == [[], [], [], []]
    assert {"tea", "own"} <= set(await found("tea"))
    for odd in ("'", "\\", "%", "_", ":x", "a'b\"c", "$1", "tea'); DROP TABLE posts; --", "é" * 200):
        assert isinstance(await found(odd), list)
    for refused in ("", "   ", "x" * 201):
        with pytest.raises(Refused):
            await found(refused)


async def test_categories_come_in_their_order(newsroom: Newsroom) -> None:
    found = await newsroom.api(
        '{ categories { slug } category(slug: "news") { name } none: category(slug: "x") { name } }'
    )
    assert found == {"categories": [{"slug": "art"}, {"slug": "news"}], "category": {"name": "News"}, "none": None}


async def test_a_tag_trends_when_more_authors_use_it_than_before(newsroom: Newsroom) -> None:
    found = await newsroom.api(
        "{ trendingTags(first: 1, window: WEEK) { slug postCount trendScore related { slug } } }"
    )
    assert found["trendingTags"][0]["slug"] == "tea"
    assert found["trendingTags"][0]["postCount"] == 3
    assert {tag["slug"] for tag in found["trendingTags"][0]["related"]} == {"rain", "mud"}
    with pytest.raises(Refused, match="HOUR, DAY, WEEK and MONTH"):
        await newsroom.api("{ trendingTags(window: ALL) { slug } }")


@pytest.mark.parametrize(
    "wrong", ["", "1", "UG9zdDo", "VXNlcjow", "VXNlcjotMQ", "VXNlcjo5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "é", "VXNlcjox=="]
)
async def test_what_is_no_id_is_refused(newsroom: Newsroom, wrong: str) -> None:
    for query in ("query ($id: ID!) { node(id: $id) { id } }", "query ($id: ID!) { user(by: {id: $id}) { id } }"):
        with pytest.raises(Refused) as refusal:
            await newsroom.api(query, id=wrong)
        assert refusal.value.codes == ["BAD_USER_INPUT"]


async def test_an_id_of_another_type_is_refused(newsroom: Newsroom) -> None:
    post = global_id(newsroom.posts["own"])
    with pytest.raises(Refused, match="Post, where that of a User") as refusal:
        await newsroom.api("query ($id: ID!) { user(by: {id: $id}) { id } }", id=post)
    assert refusal.value.codes == ["BAD_USER_INPUT"]
    with pytest.raises(Refused):
        await newsroom.api("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[post] * 101)
