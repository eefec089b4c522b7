"""Drafts and scheduled posts: live by the clock, counted once, and seen by their author alone before."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from feed_service import models
from feed_service.commands import publishing
from feed_service.commands.publishing import publish_due
from feed_service.commands.transaction import Writer
from feed_service.viewer import ANONYMOUS
from tests.api import Api, global_id
from tests.commands.holding import held, until_waiting
from tests.commands.laws import contents, drift
from tests.commands.writing import SCHEDULE, Payload, asked, codes, create, do, id_of, like, refusals
from tests.world import NEVER, World

NOW = datetime.now(UTC)
TOMORROW = NOW + timedelta(days=1)
LISTS = """{ viewer { drafts(first: 2) { nodes { title } pageInfo { hasNextPage } }
                      scheduled(first: 2) { nodes { title } pageInfo { hasNextPage } } } }"""


async def schedule(api: Api, who: models.User, post: str, at: datetime) -> Payload:
    return await asked(api, SCHEDULE, who, id=post, at=at.isoformat())


async def due(api: Api) -> int:
    return await Writer(api.writing, ANONYMOUS).run(publish_due)


async def test_a_post_goes_from_draft_to_published_by_every_way(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    post = id_of(await create(api, ann, publish="DRAFT", tags=["new"]))
    for verb, at, status in [
        ("unschedulePost", None, "DRAFT"), ("", TOMORROW, "SCHEDULED"), ("", TOMORROW + timedelta(1), "SCHEDULED"),
        ("unschedulePost", None, "DRAFT"), ("", TOMORROW, "SCHEDULED"),
    ]:  # fmt: skip
        payload = await schedule(api, ann, post, at) if at else await do(api, verb, ann, post)
        found = payload["post"]
        assert (codes(payload), found["status"], found["publishedAt"]) == ([], status, None)
        assert found["scheduledFor"] == (at and at.isoformat())
        assert found["author"]["stats"]["postCount"] == 0
        assert await drift(world) == {}
    for _ in range(2):
        found = (await do(api, "publishPost", ann, post))["post"]
        assert (found["status"], found["author"]["stats"]["postCount"]) == ("PUBLISHED", 1)
        assert NOW < datetime.fromisoformat(found["publishedAt"]) < TOMORROW
        assert await drift(world) == {}
    before = await contents(world)
    for payload in (await schedule(api, ann, post, TOMORROW), await do(api, "unschedulePost", ann, post)):
        assert (payload["post"], codes(payload)) == (None, ["ALREADY_PUBLISHED"])
    assert await contents(world) == before


@pytest.mark.parametrize("days", [-1, 0, 366])
async def test_a_time_that_is_over_or_too_far_is_refused(world: World, api: Api, days: int) -> None:
    ann = await world.user("ann")
    post = global_id(await world.post(ann, at=NEVER))
    await world.count()
    before = await contents(world)
    assert refusals(await schedule(api, ann, post, NOW + timedelta(days))) == [("INVALID", "at")]
    assert await contents(world) == before


async def test_a_scheduled_post_is_live_by_the_clock_and_counted_once(world: World, api: Api) -> None:
    """A like that comes between the two goes to its author together with the post."""
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    post = id_of(await create(api, ann, publish="AT", publishAt=TOMORROW.isoformat(), tags=["new"]))
    assert codes(await like(api, bob, post)) == ["NOT_FOUND"]
    assert await due(api) == 0
    await fall_due(world)
    assert codes(await like(api, bob, post)) == []
    assert (await contents(world, models.UserStats))[0]["post_count"] == 0
    assert await drift(world) == {}
    assert codes(await do(api, "unschedulePost", ann, post)) == ["ALREADY_PUBLISHED"]
    assert sorted(await asyncio.gather(*(due(api) for _ in range(4)))) == [0, 0, 0, 1]
    assert await due(api) == 0
    stats = (await contents(world, models.UserStats))[0]
    assert (stats["post_count"], stats["received_like_count"]) == (1, 1)
    assert await drift(world) == {}
    change = (await contents(world, models.ChangeLog))[-1]
    assert (change["action"], change["was_listed"], change["is_listed"]) == ("publish", True, True)


async def fall_due(world: World) -> None:
    """As if a day had passed."""
    async with world.engine.begin() as connection:
        for table in ("posts", "post_tags", "post_search"):
            await connection.execute(text(f"UPDATE {table} SET published_at = published_at - interval '2 days'"))  # noqa: S608
    await world.count()


async def test_a_due_post_that_is_locked_comes_last_and_is_waited_for(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "DUE_AT_ONCE", 2)
    ann = await world.user("ann")
    posts = [await world.post(ann, at=NOW - timedelta(minutes=n), status="scheduled") for n in (5, 4, 3, 2)]
    await world.post(ann, at=NOW, status="scheduled", deleted_at=NOW)
    await world.count()
    async with held(world, "SELECT FROM posts WHERE id = :id FOR SHARE", id=posts[0].id):
        assert [await due(api) for _ in range(2)] == [2, 1]
        waiting = [asyncio.create_task(due(api)) for _ in range(2)]
        await until_waiting(world, 2)
    assert sorted(await asyncio.gather(*waiting)) == [0, 1]
    assert await due(api) == 0
    assert (await contents(world, models.UserStats))[0]["post_count"] == 4
    assert await drift(world) == {}


async def test_a_scheduled_post_deleted_and_restored_is_counted_when_it_is_due(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.count()
    post = id_of(await create(api, ann, publish="AT", publishAt=TOMORROW.isoformat()))
    await do(api, "deletePost", ann, post)
    assert await drift(world) == {}
    await fall_due(world)
    assert await due(api) == 0
    assert (await do(api, "restorePost", ann, post))["post"]["status"] == "PUBLISHED"
    assert await drift(world) == {}
    assert [await due(api), await due(api)] == [1, 0]
    assert await drift(world) == {}


async def test_drafts_and_scheduled_posts_are_their_authors_alone(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    for title, days in [("late", 3), ("soon", 1), ("next", 2)]:
        await world.post(ann, title, at=NOW + timedelta(days), status="scheduled")
    for title, hours in [("oldest", 3), ("newest", 1), ("middle", 2)]:
        await world.post(ann, title, at=NEVER, updated_at=NOW - timedelta(hours=hours))
    await world.post(ann, "deleted", at=NEVER, deleted_at=NOW)
    await world.post(ann, "due", at=NOW, status="scheduled")
    await world.post(ann, "published")
    await world.count()
    more, none = {"hasNextPage": True}, {"nodes": [], "pageInfo": {"hasNextPage": False}}
    assert (await api(LISTS, ann))["viewer"] == {
        "drafts": {"nodes": [{"title": "newest"}, {"title": "middle"}], "pageInfo": more},
        "scheduled": {"nodes": [{"title": "soon"}, {"title": "next"}], "pageInfo": more},
    }
    assert (await api(LISTS, bob))["viewer"] == {"drafts": none, "scheduled": none}
    assert (await api(LISTS))["viewer"] is None
