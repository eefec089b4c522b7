"""Walks through lists: every listed item exactly once, forwards and backwards, whatever is written meanwhile."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession

from feed_service import models
from tests.api import Api, Refused, api_on, global_id
from tests.world import YESTERDAY, World, world_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"

LISTS = {
    "posts, newest first": ("User", "posts(order: NEWEST, %s)"),
    "posts, oldest first": ("User", "posts(order: OLDEST, %s)"),
    "posts, most liked first": ("User", "posts(order: TOP, %s)"),
    "followers": ("User", "followers(%s)"),
    "posts of a tag": ("Tag", "posts(%s)"),
    "posts of a tag, most liked first": ("Tag", "posts(order: TOP, %s)"),
    "comments, newest first": ("Post", "comments(order: NEWEST, %s)"),
    "comments, oldest first": ("Post", "comments(order: OLDEST, %s)"),
    "comments, most liked first": ("Post", "comments(order: TOP, %s)"),
    "the thread": ("Post", "commentTree(maxDepth: 100, %s)"),
    "two levels of the thread": ("Post", "commentTree(maxDepth: 2, %s)"),
    "likers": ("Post", "likers(%s)"),
}
"""What hangs on a user, a tag or a post, with room for the arguments of the page."""


class Place:
    """Ann has written posts at few distinct times; under the first of them is a deep thread with holes."""

    ann: models.User
    tag: models.Tag
    posts: list[models.Post]
    comments: list[models.Comment]

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api
        self.random = random.Random(7)  # noqa: S311 - a world that is the same every time.

    async def settle(self) -> None:
        self.ann, self.tag = await self.world.user("ann"), await self.world.tag("place")
        self.crowd = [await self.world.user(f"reader{number}") for number in range(12)]
        self.posts = [await self.write() for _ in range(13)]
        for reader in self.crowd:
            await self.world.follow(reader, self.ann)
            for post in [self.posts[0], *self.random.sample(self.posts[1:], 4)]:
                await self.world.like(reader, post)
        self.comments = []
        for _ in range(24):
            await self.comment()
        async with AsyncSession(self.world.engine) as session, session.begin():
            for hidden in self.random.sample(self.comments, 9):
                hidden.deleted_at = YESTERDAY
                await session.merge(hidden)
        await self.world.count()

    async def write(self) -> models.Post:
        at = YESTERDAY - timedelta(hours=self.random.randrange(4))
        return await self.world.post(self.ann, at=at, tags=(self.tag,))

    async def comment(self) -> models.Comment:
        parent = self.random.choice([None, *self.comments[-6:]])
        at = YESTERDAY + timedelta(seconds=self.random.randrange(3))
        comment = await self.world.comment(self.random.choice(self.crowd), self.posts[0], parent, at)
        self.comments.append(comment)
        return comment

    async def page(self, name: str, arguments: str) -> Any:  # noqa: ANN401 - JSON.
        type_, field = LISTS[name]
        row = {"User": self.ann, "Tag": self.tag, "Post": self.posts[0]}[type_]
        query = (
            f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_} {{ list: {field % arguments} {{ {PAGE} }} }} }} }}"
        )
        return (await self.api(query, id=global_id(row)))["node"]["list"]

    async def walk(
        self, name: str, size: int, *, backwards: bool = False, meanwhile: Callable[[], Awaitable[object]] | None = None
    ) -> list[str]:
        """The ids of the whole list in list order, read page by page."""
        found: list[str] = []
        count, bound, cursor, more = (
            ("last", "before", "startCursor", "hasPreviousPage")
            if backwards
            else ("first", "after", "endCursor", "hasNextPage")
        )
        page = await self.page(name, f"{count}: {size}")
        while True:
            ids = [edge["node"]["id"] for edge in page["edges"]]
            found = ids + found if backwards else found + ids
            if not page["pageInfo"][more]:
                return found
            assert len(ids) == size, "a page that is not the last is full"
            if meanwhile:
                await meanwhile()
            page = await self.page(name, f'{count}: {size}, {bound}: "{page["pageInfo"][cursor]}"')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(module_database_url: str) -> AsyncIterator[Place]:
    async with world_on(module_database_url) as world, api_on(module_database_url) as api:
        settled = Place(world, api)
        await settled.settle()
        yield settled


@pytest.mark.parametrize("name", LISTS)
async def test_every_walk_finds_the_same_list(place: Place, name: str) -> None:
    whole = [edge["node"]["id"] for edge in (await place.page(name, "first: 100"))["edges"]]
    assert len(whole) == len(set(whole)) > 3
    for size in (1, 3, 4):
        assert await place.walk(name, size) == whole
        assert await place.walk(name, size, backwards=True) == whole


@pytest.mark.parametrize("name", LISTS)
async def test_any_window_between_two_cursors_is_exact_in_both_directions(place: Place, name: str) -> None:
    edges = (await place.page(name, "first: 100"))["edges"]
    ids, cursors = [edge["node"]["id"] for edge in edges], [edge["cursor"] for edge in edges]
    for start, end in ((0, len(ids) - 1), (0, 2), (1, 3), (2, len(ids) - 1)):
        inner = ids[start + 1 : end]
        bounds = f'after: "{cursors[start]}", before: "{cursors[end]}"'
        for size in (1, len(inner) or 1):
            forwards = await place.page(name, f"first: {size}, {bounds}")
            backwards = await place.page(name, f"last: {size}, {bounds}")
            assert [edge["node"]["id"] for edge in forwards["edges"]] == inner[:size]
            assert [edge["node"]["id"] for edge in backwards["edges"]] == inner[-size:]
            for page in (forwards, backwards):
                # There is always something on the far side: the bounds themselves.
                assert (page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) == (True, True)


@pytest.mark.parametrize("name", LISTS)
async def test_the_ends_of_a_list_say_so(place: Place, name: str) -> None:
    edges = (await place.page(name, "first: 100"))["edges"]
    info = (await place.page(name, "first: 100"))["pageInfo"]
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (False, False)
    behind = await place.page(name, f'first: 5, after: "{edges[-1]["cursor"]}"')
    assert behind["edges"] == []
    assert behind["pageInfo"] == {
        "hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None
    }  # fmt: skip
    ahead = await place.page(name, f'last: 5, before: "{edges[0]["cursor"]}"')
    assert (ahead["pageInfo"]["hasPreviousPage"], ahead["pageInfo"]["hasNextPage"]) == (False, True)


def expected_thread(place: Place, max_depth: int) -> list[str]:
    """The thread by the rule: depth first, oldest first; hidden comments only as far as something listed is below."""
    children: dict[int | None, list[models.Comment]] = {}
    for comment in sorted(place.comments, key=lambda comment: (comment.created_at, comment.id)):
        children.setdefault(comment.parent_id, []).append(comment)

    def is_shown(comment: models.Comment) -> bool:
        return comment.deleted_at is None or any(is_shown(reply) for reply in children.get(comment.id, []))

    def below(parent: int | None, depth: int) -> list[str]:
        shown = [comment for comment in children.get(parent, []) if is_shown(comment)] if depth < max_depth else []
        return [one for comment in shown for one in [global_id(comment), *below(comment.id, depth + 1)]]

    return below(None, 0)


@pytest.mark.parametrize("max_depth", [1, 2, 3, 100])
async def test_the_thread_is_that_of_the_naive_reading(place: Place, max_depth: int) -> None:
    LISTS["some levels"] = ("Post", f"commentTree(maxDepth: {max_depth}, %s)")
    assert any(comment.deleted_at for comment in place.comments)
    wanted = expected_thread(place, max_depth)
    for size in (1, 5, 100):
        assert await place.walk("some levels", size) == wanted
        assert await place.walk("some levels", size, backwards=True) == wanted


@pytest.mark.parametrize("name", ["posts, newest first", "posts, oldest first", "posts of a tag"])
@pytest.mark.parametrize("backwards", [False, True])
async def test_posts_written_during_a_walk_disturb_nothing(place: Place, name: str, *, backwards: bool) -> None:
    before = [edge["node"]["id"] for edge in (await place.page(name, "first: 100"))["edges"]]
    found = await place.walk(name, 2, backwards=backwards, meanwhile=place.write)
    assert len(found) == len(set(found))
    assert [item for item in found if item in set(before)] == before


@pytest.mark.parametrize("backwards", [False, True])
async def test_comments_written_during_a_walk_disturb_nothing(place: Place, *, backwards: bool) -> None:
    before = [edge["node"]["id"] for edge in (await place.page("the thread", "first: 100"))["edges"]]
    found = await place.walk("the thread", 2, backwards=backwards, meanwhile=place.comment)
    assert len(found) == len(set(found))
    assert [item for item in found if item in set(before)] == before


@pytest.mark.parametrize(
    "arguments",
    ["first: 0", "first: -1", "first: 101", "last: 0", "last: 101", "first: 1, last: 1", "first: 2147483647"],
)
async def test_a_page_of_an_impossible_size_is_refused(place: Place, arguments: str) -> None:
    with pytest.raises(Refused) as refusal:
        await place.page("followers", arguments)
    assert refusal.value.codes == ["BAD_USER_INPUT"]


async def test_only_the_lists_own_cursors_are_taken(place: Place) -> None:
    cursors = {name: (await place.page(name, "first: 1"))["pageInfo"]["endCursor"] for name in LISTS}
    cursor = cursors["posts, newest first"]
    flipped = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    foreign = [cursors["posts, oldest first"], cursors["posts of a tag"], cursors["followers"]]
    for wrong in [*foreign, "", "x", flipped, cursor[:-1], cursor + "A", cursor.lower(), "é", "A" * 4_000]:
        with pytest.raises(Refused) as refusal:
            await place.page("posts, newest first", f'first: 1, after: "{wrong}"')
        assert refusal.value.codes == ["INVALID_CURSOR"], wrong
    with pytest.raises(Refused):
        await place.page("the thread", f'first: 1, after: "{cursors["two levels of the thread"]}"')
