"""Thousands of writes to one post and one user at once: exact numbers, no deadlock, and nobody sees an error."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest_asyncio
from sqlalchemy import text

from feed_service import models
from feed_service.database import create_engine
from feed_service.transactions import WRITING, WriteDatabase
from feed_service.viewer import Role
from tests.api import Api, api_on, global_id
from tests.commands.laws import contents, drift
from tests.world import World

OPERATIONS = 2_000
CLIENTS = 100
CONNECTIONS = 20
PATIENCE_S = 60.0
UNHURRIED = WRITING | {"lock_timeout": "30000", "statement_timeout": "60000"}
"""Longer than those of the service: a slow machine must not make this test refuse anybody."""

BY_ID = {
    verb: f"mutation ($id: ID!) {{ payload: {verb}({argument}: $id) {{ userErrors {{ code }} }} }}"
    for verb, argument in {
        "like": "subjectId", "unlike": "subjectId", "unbookmark": "subjectId", "followUser": "id", "unfollowUser": "id",
        "deleteComment": "id", "restoreComment": "id", "deletePost": "id", "restorePost": "id",
    }.items()
}  # fmt: skip
BY_INPUT = {
    "createComment": """mutation ($input: CreateCommentInput!) { payload: createComment(input: $input) {
        comment { id } userErrors { code } } }""",
    "bookmark": "mutation ($input: BookmarkInput!) { payload: bookmark(input: $input) { userErrors { code } } }",
}

WEIGHTS = {"like": 20, "unlike": 10, "comment": 8, "reply": 12, "take_back": 12, "follow": 8, "bookmark": 6}
HIDDEN_EVERY = 400
"""Operations; the post is hidden until all clients had a turn."""

EXPECTED = {"", "NOT_FOUND", "FORBIDDEN"}
"""Done; what is deleted at the moment; what somebody else has deleted or written."""


@dataclass
class Crowd:
    """People who do as they like to one post of a star, and to its comments."""

    api: Api
    star: models.User
    post: str
    people: list[models.User]
    comments: list[tuple[models.User, str]]
    random: Random = field(default_factory=lambda: Random(3))  # noqa: S311 - the same crowd each time.
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def act(self, number: int) -> None:
        if number % HIDDEN_EVERY == HIDDEN_EVERY // 2:
            await self.hide()
        else:
            (name,) = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
            await getattr(self, name)(self.random.choice(self.people))

    async def like(self, who: models.User) -> None:
        await self.say("like", who, self._subject())

    async def unlike(self, who: models.User) -> None:
        await self.say("unlike", who, self._subject())

    async def comment(self, who: models.User, parent_id: str | None = None) -> None:
        said = await self.give("createComment", who, postId=self.post, parentId=parent_id, body="Well said.")
        if said["comment"]:
            self.comments.append((who, said["comment"]["id"]))

    async def reply(self, who: models.User) -> None:
        await self.comment(who, self.random.choice(self.comments)[1])

    async def take_back(self, who: models.User) -> None:
        """Mostly by who said it; at times by a moderator, or by somebody who may not."""
        author, comment_id = self.random.choice(self.comments)
        who = author if self.random.random() < 0.8 else who
        await self.say(self.random.choice(["deleteComment", "restoreComment"]), who, comment_id)

    async def follow(self, who: models.User) -> None:
        await self.say(self.random.choice(["followUser", "unfollowUser"]), who, global_id(self.star))

    async def bookmark(self, who: models.User) -> None:
        if self.random.random() < 0.5:
            await self.say("unbookmark", who, self.post)
        else:
            await self.give("bookmark", who, subjectId=self.post)

    async def hide(self) -> None:
        await self.say("deletePost", self.star, self.post)
        await self.say("restorePost", self.star, self.post)

    async def say(self, verb: str, who: models.User, global_id: str) -> None:
        self._note(verb, await self.api(BY_ID[verb], who, id=global_id))

    async def give(self, verb: str, who: models.User, **form: Any) -> Any:  # noqa: ANN401 - of GraphQL.
        return self._note(verb, await self.api(BY_INPUT[verb], who, input=form))

    def _note(self, verb: str, answer: Any) -> Any:  # noqa: ANN401 - of GraphQL.
        payload = answer["payload"]
        self.answers[verb, " ".join(error["code"] for error in payload["userErrors"])] += 1
        return payload

    def _subject(self) -> str:
        return self.post if self.random.random() < 0.7 else self.random.choice(self.comments)[1]


@pytest_asyncio.fixture
async def api(empty_database_url: str) -> AsyncIterator[Api]:
    async with api_on(empty_database_url) as api:
        await api.writing.close()
        engine = create_engine(empty_database_url, pool_size=CONNECTIONS, **UNHURRIED)
        api.writing = WriteDatabase(engine, connections=CONNECTIONS, patience_s=PATIENCE_S)
        yield api


async def crowd_on(world: World, api: Api) -> Crowd:
    star, moderator = await world.user("star"), await world.user("moderator", role=Role.MODERATOR)
    people = [await world.user(f"fan_{number}") for number in range(30)]
    post = await world.post(star, tags=(await world.tag("bread"),))
    comments = [(who, await world.comment(who, post)) for who in (star, *people[:4])]
    await world.count()
    said = [(who, global_id(comment)) for who, comment in comments]
    return Crowd(api, star, global_id(post), [moderator, *people], said)


async def deadlocks(world: World) -> int:
    """Since the statistics began; connections tell what they know of at the latest when they end."""
    async with world.engine.connect() as connection:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int((await connection.execute(text(query))).scalar_one())


async def test_two_thousand_operations_on_one_post_and_one_user_leave_right_numbers(world: World, api: Api) -> None:
    crowd, before, numbers = await crowd_on(world, api), await deadlocks(world), iter(range(OPERATIONS))

    async def client() -> None:
        for number in numbers:
            await crowd.act(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client())
    await api.writing.close()
    assert {code for _, code in crowd.answers} == EXPECTED
    assert {verb for verb, code in crowd.answers if not code} == {*BY_ID, *BY_INPUT}
    assert await drift(world) == {}
    assert await deadlocks(world) == before
    assert len(await contents(world, models.Comment)) == 5 + crowd.answers["createComment", ""]
