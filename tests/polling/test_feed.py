"""Whoever polls ends with what a fresh page shows, whatever people do, and in whichever order it is committed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from feed_service.commands import (
    blocks,
    editing_posts,
    follows,
    moderation,
    mutes,
    posts,
    publishing,
    tag_follows,
)
from feed_service.commands.editing_posts import PostChange
from feed_service.commands.posts import NewPost
from feed_service.vocabulary import PublishMode
from tests.api import Api, api_on, global_id
from tests.polling.model import Client, Writers
from tests.world import World, world_on

TAGS = ("tea", "rain", "mud", "sun")
FEEDS: list[tuple[str, dict[str, Any] | None]] = [
    ("HOME", None),
    ("FOLLOWING_USERS", None),
    ("FOLLOWING_TAGS", None),
    ("GLOBAL", None),
    ("HOME", {"tags": ["tea", "rain"], "excludeTags": ["mud"]}),
    ("GLOBAL", {"languages": ["en"], "window": "DAY"}),
]
STEPS = 70
SOON_MS = 600
"""Within which scheduled posts fall due."""


class Town:
    """Vera and Walt poll; Ann, Ben and Cid write, as they do themselves; Mallory, whom they block, does so unseen."""

    def __init__(self, apis: list[Api], seed: int) -> None:
        self.apis, self.random = apis, random.Random(seed)  # noqa: S311 - the same every time.
        self.writers = Writers(apis[0])
        self.people: dict[str, models.User] = {}
        self.posts: list[tuple[models.User, int]] = []
        self.drafts: set[int] = set()
        self.clients: list[Client] = []

    async def settle(self, world: World) -> None:
        for name in ("vera", "walt", "ann", "ben", "cid", "mallory"):
            self.people[name] = await world.user(name)
        self.people["mod"] = await world.user("mod", role="moderator")
        for slug in TAGS:
            await world.tag(slug)
        await world.count()
        vera, walt, ann, ben, _, mallory, _ = self.people.values()
        for who, followed, tag in ((vera, ann, "tea"), (walt, ben, "rain")):
            await self.writers.run(who, follows.follow_user, followed.id)
            await self.writers.run(who, tag_follows.follow_tags, [tag])
            await self.writers.run(who, blocks.block_user, mallory.id)
        for _ in range(25):
            await self.create(holds=False)
        for poller, (kind, wanted), first in product((vera, walt, None), FEEDS, (100, 4)):
            self.clients.append(Client(self.apis[0], poller, kind, wanted, first, window=self.random.randint(1, 4)))
        for client in self.clients:
            await client.load()

    def writer(self) -> models.User:
        return self.people[self.random.choice(("vera", "walt", "ann", "ann", "ben", "cid", "mallory"))]

    async def create(self, *, holds: bool) -> None:
        who, pick = self.writer(), self.random
        mode = pick.choice([PublishMode.NOW] * 5 + [PublishMode.DRAFT, PublishMode.AT])
        at = datetime.now(UTC) + timedelta(milliseconds=pick.randint(50, SOON_MS)) if mode is PublishMode.AT else None
        new = NewPost(
            "News", tags=pick.sample(TAGS, pick.randint(0, 2)), language=pick.choice(["en", "de"]), publish=mode,
            publish_at=at,
        )  # fmt: skip

        async def command(tx: Any) -> None:  # noqa: ANN401
            post_id = await posts.create_post(tx, new)
            self.posts.append((who, post_id))
            if mode is PublishMode.DRAFT:
                self.drafts.add(post_id)

        await self.writers.begin(who, command, holds=holds)

    async def step(self) -> None:
        """One thing that somebody does."""
        pick, holds = self.random, self.random.random() < 0.4
        who, post_id = pick.choice(self.posts)
        reader, other = self.people[pick.choice(("vera", "walt"))], self.people[pick.choice(("ann", "ben", "cid"))]
        drafts = [one for one in self.posts if one[1] in self.drafts]
        todo: list[tuple[models.User, Any, tuple[Any, ...]]] = [
            (who, editing_posts.update_post, (PostChange(post_id, title=f"Edited {pick.random()}"),)),
            (who, editing_posts.update_post, (PostChange(post_id, tags=pick.sample(TAGS, pick.randint(0, 2))),)),
            (who, posts.delete_post, (post_id,)),
            (who, posts.delete_post, (post_id,)),
            (who, posts.restore_post, (post_id,)),
            (who, posts.restore_post, (post_id,)),
        ]
        if pick.random() < 0.1:
            tie = pick.choice([follows.follow_user, follows.unfollow_user, blocks.block_user, blocks.unblock_user])
            todo = [
                (reader, tie, (other.id,)),
                (reader, pick.choice([mutes.mute_user, mutes.unmute_user]), (other.id,)),
                (reader, pick.choice([tag_follows.follow_tags, tag_follows.unfollow_tags]), ([pick.choice(TAGS)],)),
                (self.people["mod"], moderation.suspend_user, (other.id, "spam")),
                (self.people["mod"], moderation.restore_user, (other.id,)),
            ]
        if pick.random() < 0.1 and drafts:
            who, post_id = pick.choice(drafts)
            soon = datetime.now(UTC) + timedelta(milliseconds=pick.randint(50, SOON_MS))
            self.drafts.discard(post_id)
            todo = [(who, publishing.publish_post, (post_id,)), (who, publishing.schedule_post, (post_id, soon))]
        if pick.random() < 0.3:
            await self.create(holds=holds)
            return
        doer, command, given = pick.choice(todo)
        await self.writers.begin(doer, command, *given, holds=holds)

    async def poll(self) -> None:
        """Somebody asks one of the processes."""
        client = self.random.choice(self.clients)
        client.api = self.random.choice(self.apis)
        if self.random.random() < 0.5:
            await client.api.polling.tail.caught_up(0)
        await client.poll()


@pytest_asyncio.fixture
async def town(empty_database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Town]:
    async with AsyncExitStack() as beside:
        world = await beside.enter_async_context(world_on(empty_database_url))
        town = Town([await beside.enter_async_context(api_on(empty_database_url)) for _ in range(2)], request.param)
        await town.settle(world)
        yield town
        await town.writers.end()


@pytest.mark.parametrize("town", range(2), indirect=True)
async def test_every_client_ends_with_what_a_fresh_page_shows(town: Town) -> None:
    for number in range(STEPS):
        await town.step()
        if town.writers.held and town.random.random() < 0.3:
            town.writers.let_go(town.random.randrange(len(town.writers.held)))
        for _ in range(3):
            await town.poll()
        if number % 20 == 0:
            await town.writers.begin(None, publishing.publish_due, holds=False)
    await town.writers.end()
    await asyncio.sleep(SOON_MS / 1000)
    await town.writers.run(None, publishing.publish_due)
    unseen = {global_id(models.Post(id=one)) for who, one in town.posts if who.username == "mallory"}
    for api in town.apis:
        await api.polling.tail.caught_up(0)
    for client in town.clients:
        await client.poll()
        assert client.shown() == await client.wanted(), (client.kind, client.filter, client.who and client.who.username)
        drafts = {global_id(models.Post(id=one)) for one in town.drafts}
        assert not client.told & (drafts | (unseen if client.who else set())), "what nobody has seen is not named"
