"""Edits of posts: one wins, nobody's is lost, and what readers could see before is kept."""

import asyncio
from typing import Any

from feed_service import models
from tests.api import Api, global_id
from tests.commands.holding import held, until_waiting
from tests.commands.laws import contents, drift
from tests.commands.writing import LIKE, asked, codes, create, do, id_of, refusals, update
from tests.world import NEVER, World

EDITS = """query ($id: ID!, $first: Int, $after: String) { node(id: $id) { ... on Editable {
    version editedAt viewerCanEdit viewerCannotEditReasons
    edits(first: $first, after: $after) { nodes { version replacedAt title body editor { username } }
                                          pageInfo { hasNextPage endCursor } } }
    ... on Deletable { deletedAt viewerCanDelete } } }"""


async def test_an_edit_changes_what_it_names_and_keeps_the_rest(world: World, api: Api) -> None:
    ann = await world.user("ann")
    row = await world.post(ann, "Old", body="Old text", tags=(await world.tag("old"), await world.tag("both")))
    await world.count()
    post = global_id(row)
    steps: list[tuple[int, dict[str, Any], tuple[Any, ...]]] = [
        (2, {"title": "Cafe\u0301"}, ("Café", "Old text", ["both", "old"])),
        (3, {"body": ""}, ("Café", "", ["both", "old"])),
        (4, {"tags": ["Both", "new"], "expectedVersion": 3}, ("Café", "", ["both", "new"])),
        (4, {"title": "Café", "body": None, "tags": ["new", "both"]}, ("Café", "", ["both", "new"])),
        (5, {"title": "New", "body": "New text", "tags": []}, ("New", "New text", [])),
    ]
    for version, given, expected in steps:
        found = (await update(api, ann, post, **given))["post"]
        assert (found["title"], found["body"], [tag["slug"] for tag in found["tags"]]) == expected
        assert (found["version"], found["slug"]) == (version, row.slug)
        assert await drift(world) == {}
    changes = await contents(world, models.ChangeLog)
    assert [(row["action"], row["was_tagged"], row["is_tagged"]) for row in changes] == [
        ("update", [1, 2], [1, 2]), ("update", [1, 2], [1, 2]), ("update", [1, 2], [2, 3]), ("update", [2, 3], [])
    ]  # fmt: skip


async def test_of_two_edits_of_one_version_one_wins(world: World, api: Api) -> None:
    ann = await world.user("ann")
    row = await world.post(ann)
    await world.count()
    async with held(world, "SELECT FROM posts FOR UPDATE"):
        work = [
            asyncio.create_task(update(api, ann, global_id(row), title=title, expectedVersion=1))
            for title in ("One", "Two", "Three")
        ]
        await until_waiting(world, 3)
    answers = await asyncio.gather(*work)
    (won,) = [answer["post"] for answer in answers if answer["post"]]
    assert won["version"] == 2
    conflicts = [error for answer in answers for error in answer["userErrors"]]
    assert (
        conflicts
        == [{"__typename": "VersionConflict", "code": "VERSION_CONFLICT", "field": ["expectedVersion"], "current": 2}]
        * 2
    )
    assert [row["title"] for row in await contents(world, models.Post)] == [won["title"]]
    assert await drift(world) == {}


async def test_what_breaks_a_rule_is_refused_and_changes_nothing(world: World, api: Api) -> None:
    ann = await world.user("ann")
    post = global_id(await world.post(ann))
    await world.count()
    before = await contents(world)
    rules: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({"title": "\u2060"}, [("EMPTY", "title")]),
        ({"title": "x" * 301, "body": "x" * 20_001}, [("TOO_LONG", "title"), ("TOO_LONG", "body")]),
        ({"tags": ["new", ""]}, [("EMPTY", "tags.1")]),
        ({"title": "", "expectedVersion": 2}, [("VERSION_CONFLICT", "expectedVersion")]),
    ]
    for given, expected in rules:
        assert refusals(await update(api, ann, post, **given)) == expected
    assert await contents(world) == before


async def test_everybody_sees_that_a_post_was_edited_and_its_author_and_moderators_what_it_said(
    world: World, api: Api
) -> None:
    ann, bob, mod = await world.user("ann"), await world.user("bob"), await world.user("mod", role="moderator")
    post = global_id(await world.post(ann, "One", body="1"))
    await world.count()
    for title in ("Two", "Three"):
        await update(api, ann, post, title=title)
    await update(api, ann, post, tags=["only a tag"])
    editor = {"username": "ann"}
    for viewer, texts, reasons in [
        (ann, ("Two", "One"), []), (mod, ("Two", "One"), ["NOT_AUTHOR"]), (bob, (None, None), ["NOT_AUTHOR"]),
        (None, (None, None), ["NOT_AUTHOR"]),
    ]:  # fmt: skip
        found = (await api(EDITS, viewer, id=post))["node"]
        times = [node.pop("replacedAt") for node in found["edits"]["nodes"]]
        body = "1" if texts[0] else None
        assert found["edits"]["nodes"] == [
            {"version": version, "title": text, "body": body, "editor": editor}
            for version, text in zip((2, 1), texts, strict=True)
        ]
        assert times == sorted(times, reverse=True)
        assert (found["version"], found["viewerCannotEditReasons"]) == (4, reasons)
        assert found["viewerCanEdit"] == (viewer is ann)
        assert (found["viewerCanDelete"], found["deletedAt"]) == (viewer in (ann, mod), None)
        assert found["editedAt"] >= times[0]


async def test_earlier_versions_come_in_pages(world: World, api: Api) -> None:
    ann = await world.user("ann")
    post, after, versions = global_id(await world.post(ann)), None, []
    await world.count()
    for number in range(5):
        await update(api, ann, post, body=str(number))
    has_next = True
    while has_next:
        page = (await api(EDITS, ann, id=post, first=2, after=after))["node"]["edits"]
        versions.append([node["version"] for node in page["nodes"]])
        has_next, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert versions == [[5, 4], [3, 2], [1]]


async def test_what_a_draft_said_is_not_kept_for_its_readers(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    post = id_of(await create(api, ann, "Secret", publish="DRAFT"))
    await update(api, ann, post, title="Public", expectedVersion=1)
    await do(api, "publishPost", ann, post)
    found = (await api(EDITS, bob, id=post))["node"]
    assert (found["version"], found["editedAt"], found["edits"]["nodes"]) == (2, None, [])
    assert await contents(world, models.ContentEdit) == []
    assert await drift(world) == {}


async def test_an_edit_of_a_hidden_post_is_refused(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    draft = await world.post(ann, at=NEVER)
    await world.count()
    before: Any = await contents(world)
    assert codes(await update(api, bob, global_id(draft), title="Mine")) == ["NOT_FOUND"]
    assert await contents(world) == before


async def test_an_author_gets_a_turn_while_others_like_without_a_pause(world: World, api: Api) -> None:
    """PostgreSQL alone would let every new like pass an author who waits for the row: no edit within 5 s."""
    ann, people = await world.user("ann"), [await world.user(f"user{n}") for n in range(8)]
    post, is_over = global_id(await world.post(ann)), asyncio.Event()
    await world.count()

    async def like_on(who: models.User) -> None:
        while not is_over.is_set():
            await asked(api, LIKE, who, id=post)
            await asked(api, LIKE.replace("like(", "unlike("), who, id=post)

    likers = [asyncio.create_task(like_on(who)) for who in people]
    await asyncio.sleep(0.2)
    titles = [(await update(api, ann, post, title=f"Edit {n}"))["post"]["title"] for n in range(3)]
    deleted = await do(api, "deletePost", ann, post)
    is_over.set()
    await asyncio.gather(*likers)
    assert (titles, codes(deleted)) == (["Edit 0", "Edit 1", "Edit 2"], [])
    assert await drift(world) == {}
