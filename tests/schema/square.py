"""A few people who write and poll; what they do goes through the commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from feed_service import models
from feed_service.commands import posts
from feed_service.commands.posts import NewPost
from tests.api import Api, api_on, global_id
from tests.polling.model import Client, Writers
from tests.world import YESTERDAY, World, world_on


class Square:
    """Vera follows Ann and the tag tea; Ben writes on tea; Mallory is blocked by Vera; Max moderates."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api, self.writers = world, api, Writers(api)

    async def settle(self) -> None:
        self.vera, self.ann, self.ben, self.mallory = [
            await self.world.user(name) for name in ("vera", "ann", "ben", "mallory")
        ]
        self.max = await self.world.user("max", role="moderator")
        tea = await self.world.tag("tea")
        await self.world.follow(self.vera, self.ann)
        await self.world.follow_tag(self.vera, tea)
        await self.world.block(self.vera, self.mallory)
        self.old = [await self.world.post(self.ann, f"old {n}", YESTERDAY - timedelta(hours=n)) for n in range(3)]
        await self.world.count()

    async def client(self, kind: str = "HOME", who: models.User | None = None, **given: Any) -> Client:  # noqa: ANN401
        client = Client(self.api, who or self.vera, kind, **given)
        await client.load()
        return client

    async def post(self, who: models.User, title: str = "News", *tags: str, **given: Any) -> int:  # noqa: ANN401
        return int(await self.do(who, posts.create_post, NewPost(title, tags=tags, **given)))

    async def do(self, who: models.User | None, command: Any, *given: Any) -> Any:  # noqa: ANN401 - a command.
        """Seen by the next poll, which else looks at what is up to a second old."""
        answer = await self.writers.run(who, command, *given)
        await self.api.polling.tail.caught_up(0)
        return answer


@asynccontextmanager
async def square_on(url: str) -> AsyncIterator[Square]:
    async with world_on(url) as world, api_on(url) as api:
        square = Square(world, api)
        await square.settle()
        yield square
        await square.writers.end()


def named(row_id: int, kind: type[Any] = models.Post) -> str:
    return global_id(kind(id=row_id))
