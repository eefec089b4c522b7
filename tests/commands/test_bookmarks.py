"""Bookmarks and collections through the schema: what they count, who sees them, and where they stand."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from feed_service import models
from feed_service.schema.ids import encode
from tests.api import Api, Refused, global_id
from tests.commands.laws import contents, drift
from tests.world import NEVER, World

BOOKMARK = """mutation ($input: BookmarkInput!) { bookmark(input: $input) { ...payload } }
    fragment payload on BookmarkPayload {
    post { stats { bookmarkCount } viewerState { hasBookmarked bookmarkCollections { name } } }
    userErrors { code field } }"""
UNBOOKMARK = BOOKMARK.replace("$input: BookmarkInput!", "$id: ID!").replace(
    "bookmark(input: $input)", "unbookmark(subjectId: $id)"
)
CREATE = """mutation ($name: String!) { createBookmarkCollection(input: {name: $name}) {
    collection { id name } userErrors { code field } } }"""
RENAME = """mutation ($id: ID!, $name: String!) { renameBookmarkCollection(input: {id: $id, name: $name}) {
    collection { id name } userErrors { code field } } }"""
DELETE = "mutation ($id: ID!) { deleteBookmarkCollection(id: $id) { deletedId userErrors { code } } }"
SAVED = """query ($in: ID, $first: Int, $after: String) { viewer {
    bookmarks(first: $first, after: $after, collectionId: $in) {
        nodes { title } edges { savedAt } pageInfo { endCursor hasNextPage hasPreviousPage } }
    bookmarkCollections { id name } } }"""


async def collection(api: Api, viewer: models.User, name: str) -> str:
    payload = (await api(CREATE, viewer, name=name))["createBookmarkCollection"]
    assert payload["userErrors"] == []
    return str(payload["collection"]["id"])


async def titles(api: Api, viewer: models.User, **arguments: Any) -> list[str]:  # noqa: ANN401 - of the field.
    return [node["title"] for node in (await api(SAVED, viewer, **arguments))["viewer"]["bookmarks"]["nodes"]]


async def test_a_bookmark_counts_once_however_often_it_is_set(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    post = await world.post(ann)
    await world.count()
    for query, count in ((BOOKMARK, 1), (BOOKMARK, 1), (UNBOOKMARK, 0), (UNBOOKMARK, 0), (BOOKMARK, 1)):
        given = {"input": {"subjectId": global_id(post)}} if query is BOOKMARK else {"id": global_id(post)}
        (payload,) = (await api(query, bob, **given)).values()
        state = {"hasBookmarked": count == 1, "bookmarkCollections": []}
        assert payload == {"post": {"stats": {"bookmarkCount": count}, "viewerState": state}, "userErrors": []}
        assert await drift(world) == {}
    log = [(row["kind"], row["action"], row["post_id"]) for row in await contents(world, models.ChangeLog)]
    assert log == [("bookmark", action, post.id) for action in ("create", "delete", "create")]


async def test_a_bookmark_stands_exactly_on_the_collections_last_named(world: World, api: Api) -> None:
    ann = await world.user("ann")
    post = await world.post(ann, "Bread")
    await world.count()
    ids = {name: await collection(api, ann, name) for name in ("rye", "Baking", "later")}
    for names, found in (
        (["rye", "Baking", "rye"], ["Baking", "rye"]),
        (["later", "rye"], ["later", "rye"]),
        (None, ["later", "rye"]),
        ([], []),
        (["later"], ["later"]),
    ):
        chosen = None if names is None else [ids[name] for name in names]
        payload = (await api(BOOKMARK, ann, input={"subjectId": global_id(post), "collectionIds": chosen}))["bookmark"]
        shown = payload["post"]["viewerState"]["bookmarkCollections"]
        assert [one["name"] for one in shown] == found
        for name, collection_id in ids.items():
            assert await titles(api, ann, **{"in": collection_id}) == (["Bread"] if name in found else [])
    assert (await api(DELETE, ann, id=ids["later"]))["deleteBookmarkCollection"]["deletedId"] == ids["later"]
    assert await titles(api, ann) == ["Bread"]
    assert await contents(world, models.CollectedBookmark) == []
    await api(BOOKMARK, ann, input={"subjectId": global_id(post), "collectionIds": [ids["rye"]]})
    await api(UNBOOKMARK, ann, id=global_id(post))
    assert await contents(world, models.CollectedBookmark) == []
    assert await drift(world) == {}


async def test_saved_posts_are_walked_newest_first_and_hidden_ones_left_out(world: World, api: Api) -> None:
    ann, bob, eve = [await world.user(name) for name in ("ann", "bob", "eve")]
    posts = [await world.post(author, f"Post {n}") for n, author in enumerate((bob, bob, eve, bob, bob))]
    await world.count()
    later = await collection(api, ann, "later")
    for post in posts:
        await api(BOOKMARK, ann, input={"subjectId": global_id(post), "collectionIds": [later]})
    await world.block(eve, ann)
    for where in ({}, {"in": later}):
        first = (await api(SAVED, ann, first=3, **where))["viewer"]["bookmarks"]
        assert [node["title"] for node in first["nodes"]] == ["Post 4", "Post 3", "Post 1"]
        stored = {row["saved_at"].isoformat() for row in await contents(world, models.Bookmark)}
        assert {edge["savedAt"] for edge in first["edges"]} < stored
        assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
        after = first["pageInfo"]["endCursor"]
        assert await titles(api, ann, first=3, after=after, **where) == ["Post 0"]
        with pytest.raises(Refused) as refused:
            await api(SAVED, ann, after=after, **({} if where else {"in": later}))
        assert refused.value.codes == ["INVALID_CURSOR"]


async def test_nobody_sees_or_uses_what_another_has_saved(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    post = await world.post(ann)
    await world.count()
    later = await collection(api, ann, "later")
    await api(BOOKMARK, ann, input={"subjectId": global_id(post), "collectionIds": [later]})
    before = await contents(world)
    assert await titles(api, bob) == []
    assert await titles(api, bob, **{"in": later}) == []
    assert (await api("query ($id: ID!) { node(id: $id) { id } }", bob, id=later))["node"] is None
    assert (await api("query ($id: ID!) { node(id: $id) { id } }", ann, id=later))["node"] == {"id": later}
    payload = (await api(BOOKMARK, bob, input={"subjectId": global_id(post), "collectionIds": [later]}))["bookmark"]
    assert payload == {"post": None, "userErrors": [{"code": "NOT_FOUND", "field": ["collectionIds", "0"]}]}
    for query, given in ((RENAME, {"name": "mine"}), (DELETE, {})):
        (payload,) = (await api(query, bob, id=later, **given)).values()
        assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    assert await contents(world) == before


async def test_what_cannot_be_seen_cannot_be_saved_but_a_bookmark_of_it_removed(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    hidden = [await world.post(ann, at=NEVER), await world.post(ann, deleted_at=datetime.now(UTC))]
    await world.count()
    before = await contents(world)
    for subject in (*map(global_id, hidden), encode("Post", 999)):
        for query, given in ((BOOKMARK, {"input": {"subjectId": subject}}), (UNBOOKMARK, {"id": subject})):
            (payload,) = (await api(query, bob, **given)).values()
            assert payload == {"post": None, "userErrors": [{"code": "NOT_FOUND", "field": None}]}
    assert await contents(world) == before
    await world.add(models.Bookmark(user_id=bob.id, post_id=hidden[1].id))
    await world.count()
    assert (await api(UNBOOKMARK, bob, id=global_id(hidden[1])))["unbookmark"] == {"post": None, "userErrors": []}
    assert await contents(world, models.Bookmark) == []
    assert await drift(world) == {}


async def test_names_of_collections_are_told_apart_within_the_rules(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    later, rye = await collection(api, ann, "Later"), await collection(api, ann, "Rye")
    assert await collection(api, ann, "Later") == later
    assert await collection(api, bob, "Later") != later
    before = await contents(world)
    for name, code in (("later", "TAKEN"), ("", "EMPTY"), (" ", "EMPTY"), ("x" * 81, "TOO_LONG"), ("a\nb", "INVALID")):
        for query, given in ((CREATE, {}), (RENAME, {"id": rye})):
            (payload,) = (await api(query, ann, name=name, **given)).values()
            assert payload == {"collection": None, "userErrors": [{"code": code, "field": ["name"]}]}
    assert await contents(world) == before
    for name in ("LATER", "Cafe\u0301", "Café"):
        renamed = (await api(RENAME, ann, id=later, name=name))["renameBookmarkCollection"]
        assert renamed["userErrors"] == []
    found = (await api(SAVED, ann))["viewer"]["bookmarkCollections"]
    assert found == [{"id": later, "name": "Café"}, {"id": rye, "name": "Rye"}]


async def test_there_are_so_many_collections_and_no_more_also_at_once(world: World, api: Api) -> None:
    ann = await world.user("ann")
    for number in range(95):
        await world.add(models.BookmarkCollection(user_id=ann.id, name=f"Shelf {number}"))
    answers = await asyncio.gather(*(api(CREATE, ann, name=f"New {number}") for number in range(10)))
    errors = [answer["createBookmarkCollection"]["userErrors"] for answer in answers]
    assert sorted(len(each) for each in errors) == [0] * 5 + [1] * 5
    assert {error["code"] for each in errors for error in each} == {"TOO_MANY"}
    post = await world.post(ann)
    await world.count()
    ids = [encode("BookmarkCollection", number) for number in range(1, 22)]
    payload = (await api(BOOKMARK, ann, input={"subjectId": global_id(post), "collectionIds": ids}))["bookmark"]
    assert payload["userErrors"] == [{"code": "TOO_MANY", "field": ["collectionIds"]}]
    assert await contents(world, models.Bookmark) == []


async def test_saving_moving_and_removing_at_once_end_consistent(world: World, api: Api) -> None:
    ann = await world.user("ann")
    post = await world.post(ann)
    await world.count()
    shelves = [await collection(api, ann, name) for name in ("one", "two", "three")]
    subject = global_id(post)
    calls = [
        call
        for number in range(15)
        for call in (
            (BOOKMARK, {"input": {"subjectId": subject, "collectionIds": [shelves[number % 3]]}}),
            (UNBOOKMARK, {"id": subject}),
            (BOOKMARK, {"input": {"subjectId": subject}}),
        )
    ]
    for answer in await asyncio.gather(*(api(query, ann, **given) for query, given in calls)):
        (payload,) = answer.values()
        assert payload["userErrors"] == []
    assert await drift(world) == {}
    assert len(await contents(world, models.CollectedBookmark)) <= 1
