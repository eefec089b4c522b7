"""Posts are created, deleted and restored through the schema, and every number follows."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed_service import models
from tests.api import Api, Refused, global_id
from tests.commands.holding import held, until_waiting
from tests.commands.laws import contents, drift
from tests.commands.test_texts import AWKWARD
from tests.commands.writing import BY_ID, COMMENT, CREATE, asked, codes, create, do, id_of, like, refusals, update
from tests.world import World

NOW = datetime.now(UTC)


async def test_a_new_post_is_what_was_asked_for(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.add(models.Category(slug="food", name="Food"))
    bread = await world.tag("bread")
    await world.count()
    payload = await create(
        api, ann, "Über  Brot", body="", tags=["Bread", "#New York", "new\u00a0york"], category="food", language="de"
    )
    post = payload["post"]
    assert payload["userErrors"] == []
    assert payload["consistencyToken"]
    assert re.fullmatch("über-brot-[0-9a-f]{8}", post.pop("slug"))
    assert datetime.fromisoformat(post.pop("publishedAt")) > NOW
    assert post == {
        "id": "UG9zdDox", "title": "Über  Brot", "body": "", "language": "de", "status": "PUBLISHED",
        "scheduledFor": None, "version": 1, "editedAt": None, "category": {"slug": "food"},
        "tags": [{"slug": "bread", "name": "Bread"}, {"slug": "new-york", "name": "New York"}],
        "stats": {"likeCount": 0}, "author": {"username": "ann", "stats": {"postCount": 1, "receivedLikeCount": 0}},
    }  # fmt: skip
    assert await drift(world) == {}
    (change,) = await contents(world, models.ChangeLog)
    assert (change["kind"], change["action"], change["author_id"]) == ("post", "create", ann.id)
    assert (change["was_listed"], change["is_listed"], change["is_tagged"]) == (False, True, [bread.id, bread.id + 1])
    (event,) = await contents(world, models.AuditEvent)
    assert (event["action"], event["subject_id"], event["owner_id"]) == ("post.create", 1, ann.id)
    assert "Brot" not in str(event["facts"])


async def test_a_text_comes_back_to_the_character(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    for text in AWKWARD:
        post = (await create(api, ann, f"{text}!"[:300], body=text))["post"]
        assert (post["title"], post["body"]) == (f"{text}!"[:300], text)


A_YEAR = (NOW + timedelta(days=366)).isoformat()
TOMORROW = (NOW + timedelta(days=1)).isoformat()
AT = {"publish": "AT"}

RULES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"title": ""}, [("EMPTY", "title")]),
    ({"title": " \u200b\n", "body": "x" * 20_001}, [("EMPTY", "title"), ("TOO_LONG", "body")]),
    ({"title": "x" * 301}, [("TOO_LONG", "title")]),
    ({"tags": [f"t{n}" for n in range(21)]}, [("TOO_MANY", "tags")]),
    ({"tags": ["fine", " "]}, [("EMPTY", "tags.1")]),
    ({"tags": ["#"]}, [("EMPTY", "tags.0")]),
    ({"tags": ["\ufe0f🔥!"]}, [("INVALID", "tags.0")]),
    ({"tags": ["x" * 101]}, [("TOO_LONG", "tags.0")]),
    ({"tags": ["x\u202ey"]}, [("INVALID", "tags.0")]),
    ({"category": "nowhere"}, [("NOT_FOUND", "category")]),
    ({"language": "deutsch!"}, [("INVALID", "language")]),
    ({"publishAt": TOMORROW}, [("INVALID", "publishAt")]),
    ({"publish": "DRAFT", "publishAt": TOMORROW}, [("INVALID", "publishAt")]),
    (AT, [("EMPTY", "publishAt")]),
    (AT | {"publishAt": NOW.isoformat()}, [("INVALID", "publishAt")]),
    (AT | {"publishAt": A_YEAR}, [("INVALID", "publishAt")]),
    (AT | {"publishAt": "9999-12-31T23:59:59.999999Z"}, [("INVALID", "publishAt")]),
    ({"idempotencyKey": "a b"}, [("INVALID", "idempotencyKey")]),
]


async def test_what_breaks_a_rule_is_refused_and_leaves_nothing(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    before = await contents(world)
    for given, expected in RULES:
        payload = await create(api, ann, **({"title": "News"} | given))
        assert (payload["post"], refusals(payload)) == (None, expected), given
    assert await contents(world) == before


RUBBISH: list[dict[str, Any]] = [
    {"title": "a\0b"}, {"body": "\ud83d"}, {"tags": ["\0"]}, {"category": "\0"}, {"title": None}, {"tags": [None]},
    {"publish": "SOON"}, AT | {"publishAt": "2030-01-01"}, AT | {"publishAt": "2030-01-01T00:00:00"},
    AT | {"publishAt": 0}, AT | {"publishAt": "2030-13-01T00:00:00Z"}, AT | {"publishAt": f"{TOMORROW[:19]}+01:60"},
]  # fmt: skip


async def test_what_no_honest_client_sends_is_an_error(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    before = await contents(world)
    for given in RUBBISH:
        with pytest.raises(Refused) as refused:
            await create(api, ann, **({"title": "News"} | given))
        assert refused.value.codes == ["BAD_USER_INPUT"], given
    for post in ("", "Post:1", "UG9zdDox=", global_id(ann)):
        for verb in BY_ID:
            with pytest.raises(Refused) as refused:
                await do(api, verb, ann, post)
            assert refused.value.codes == ["BAD_USER_INPUT"], post
    assert await contents(world) == before


async def test_duplicates_at_once_make_one_post(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    payloads = await asyncio.gather(*(create(api, ann, tags=["new"], idempotencyKey="k") for _ in range(20)))
    assert {payload["post"]["id"] for payload in payloads} == {"UG9zdDox"}
    assert payloads[0]["post"]["author"]["stats"]["postCount"] == 1
    assert await drift(world) == {}


async def test_a_replay_shows_the_post_as_it_is_by_then(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    given: dict[str, Any] = {"idempotencyKey": "k", "publish": "AT", "publishAt": TOMORROW}
    post = id_of(await create(api, ann, **given))
    await update(api, ann, post, title="Newer")
    assert (await create(api, ann, **given))["post"]["title"] == "Newer"
    await do(api, "deletePost", ann, post)
    before = await contents(world)
    gone, other = await create(api, ann, **given), await create(api, ann, "Other", idempotencyKey="k")
    assert (gone["post"], codes(gone), other["post"]) == (None, [], None)
    assert [error["__typename"] for error in other["userErrors"]] == ["IdempotencyMismatch"]
    assert await contents(world) == before


async def test_numbers_follow_a_post_that_goes_and_comes_back(world: World, api: Api) -> None:
    ann, bob, mod = await world.user("ann"), await world.user("bob"), await world.user("mod", role="moderator")
    post = await world.post(ann, tags=(await world.tag("bread"),))
    await world.like(bob, post)
    await world.like(ann, post)
    await world.comment(bob, post)
    await world.count()

    async def numbers() -> list[tuple[int, int, int]]:
        stats = await contents(world, models.UserStats)
        tags = await contents(world, models.TagStats)
        return [(stats[0]["post_count"], stats[0]["received_like_count"], tags[0]["post_count"])]

    for who, verb, expected in [
        (ann, "deletePost", (0, 0, 0)), (ann, "deletePost", (0, 0, 0)), (ann, "restorePost", (1, 2, 1)),
        (ann, "restorePost", (1, 2, 1)), (mod, "deletePost", (0, 0, 0)), (mod, "restorePost", (1, 2, 1)),
    ]:  # fmt: skip
        assert codes(await do(api, verb, who, global_id(post))) == []
        assert await numbers() == [expected]
        assert await drift(world) == {}
    changes = [(row["action"], row["is_listed"]) for row in await contents(world, models.ChangeLog)]
    assert changes == [("delete", False), ("restore", True)] * 2
    events = await contents(world, models.AuditEvent)
    assert [(row["actor_id"], row["action"], row["facts"]["after"].get("deleted_by_id")) for row in events] == [
        (ann.id, "post.delete", ann.id), (ann.id, "post.restore", None),
        (mod.id, "post.delete", mod.id), (mod.id, "post.restore", None),
    ]  # fmt: skip


async def test_a_moderators_deletion_takes_over_that_of_the_author(world: World, api: Api) -> None:
    ann, mod = await world.user("ann"), await world.user("mod", role="moderator")
    post = global_id(await world.post(ann))
    await world.count()
    await do(api, "deletePost", ann, post)
    assert codes(await do(api, "restorePost", mod, post)) == ["FORBIDDEN"]
    assert (await do(api, "deletePost", mod, post))["deletedId"] == post
    assert codes(await do(api, "restorePost", ann, post)) == ["FORBIDDEN"]
    assert codes(await do(api, "publishPost", ann, post)) == ["NOT_FOUND"]
    assert (await do(api, "restorePost", mod, post))["post"]["status"] == "PUBLISHED"
    assert await drift(world) == {}


async def test_a_deletion_beside_likes_comments_and_edits_leaves_exact_numbers(world: World, api: Api) -> None:
    """All who have to wait for the post are let go at once; a deleted one keeps nobody waiting but its author."""
    ann, people = await world.user("ann"), [await world.user(f"user{n}") for n in range(4)]
    row = await world.post(ann, tags=(await world.tag("bread"),))
    await world.count()
    post = global_id(row)
    for verb, waiting in (("deletePost", 8), ("restorePost", 2), ("deletePost", 8)):
        async with held(world, "SELECT FROM posts WHERE id = :id FOR UPDATE", id=row.id):
            work = [asyncio.create_task(do(api, verb, ann, post))]
            work += [asyncio.create_task(like(api, who, post)) for who in people]
            form = {"postId": post, "body": "Well said."}
            work += [asyncio.create_task(asked(api, COMMENT, who, input=form)) for who in people[:2]]
            work += [asyncio.create_task(update(api, ann, post, title=verb, tags=["bread", verb]))]
            await until_waiting(world, waiting)
        answers = await asyncio.gather(*work)
        assert {code for answer in answers for code in codes(answer)} <= {"NOT_FOUND"}
        assert await drift(world) == {}


async def test_a_slug_does_not_tell_of_drafts(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    titles = ["Secret", "!?", "x" * 200, "-a-"]
    for title in titles:
        slugs = [
            (await asked(api, CREATE, who, input={"title": title, "publish": "DRAFT"}))["post"]["slug"]
            for who in (ann, bob)
        ]
        words = {"Secret": "secret", "!?": "post", "x" * 200: "x" * 80, "-a-": "a"}[title]
        assert all(re.fullmatch(f"{words}-[0-9a-f]{{8}}", slug) for slug in slugs), slugs
        assert slugs[0] != slugs[1]


async def test_a_comment_deleted_while_its_post_comes_back_leaves_exact_ranks(world: World, api: Api) -> None:
    """The restoration has filled its lists already, and waits with its numbers."""
    ann, bob = await world.user("ann"), await world.user("bob")
    row = await world.post(ann)
    comment, post = global_id(await world.comment(bob, row)), global_id(row)
    await world.count()
    await do(api, "deletePost", ann, post)
    async with held(world, "SELECT FROM user_stats WHERE user_id = :id FOR UPDATE", id=ann.id):
        restored = asyncio.create_task(do(api, "restorePost", ann, post))
        await until_waiting(world, 1)
        deleted = asyncio.create_task(
            asked(api, BY_ID["deletePost"].replace("deletePost", "deleteComment"), bob, id=comment)
        )
        await until_waiting(world, 2)
    assert [codes(await restored), codes(await deleted)] == [[], []]
    assert await drift(world) == {}
