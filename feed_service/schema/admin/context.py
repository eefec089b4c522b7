"""What the resolvers of administrators may use."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import strawberry

from feed_service.errors import FeedError
from feed_service.loaders.batching import Loaders
from feed_service.operations.asking import Questions, Unknown, asking
from feed_service.operations.explanations import Explained
from feed_service.operations.slow_log import SlowLog
from feed_service.transactions import WriteDatabase

Found = TypeVar("Found")

Explain = Callable[[str, dict[str, Any], str | None, str | None, bool], Awaitable[Explained]]
"""(document, variables, name of the operation, user name, whether statements are run once more) -> Explained."""


class NotKnown(FeedError):
    """The role of the service may not see it, or PostgreSQL did not tell it in time."""

    code = "NOT_KNOWN"
    http_status = 200


@dataclass(frozen=True)
class AdminContext:
    """Of one request. `url`: of the database, of which questions are asked one after the other."""

    url: str
    loaders: Loaders
    writing: WriteDatabase
    slow_log: SlowLog
    explain: Explain
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, read: Callable[[Questions], Awaitable[Found]]) -> Found:
        """What `read` finds, on a connection of its own. Raises NotKnown."""
        async with self._one, asking(self.url) as questions:
            found = await questions.tried(read)
        if isinstance(found, Unknown):
            raise NotKnown(f"This is not known: {found.reason}.")
        return found


Info = strawberry.Info[AdminContext, None]
