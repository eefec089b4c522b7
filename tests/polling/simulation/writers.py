"""Those who write through GraphQL, each by a plan of its own that is drawn from the seed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.polling.simulation import documents
from tests.polling.simulation.front import Front, Person, Refused
from tests.polling.simulation.wire import Lost

FALLS_DUE_WITHIN_S = 3.0
SOONEST_S = 1.5
"""The service refuses what lies in the past when it reads it."""

Work = Callable[[], Awaitable[None]]


@dataclass
class Writer:
    """Does one thing after the other until it is over; `turn` does one, drawn by weight from `works`."""

    front: Front
    random: Random
    who: Person
    pause_s: float

    async def run(self, is_over: asyncio.Event) -> None:
        """What was begun is finished. A thing whose outcome is not known, as a process died, is let be."""
        while not is_over.is_set():
            with suppress(Lost, Refused):
                await self.turn()
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.pause_s)

    async def turn(self) -> None:
        works = self.works()
        (work,) = self.random.choices([work for work, _ in works], [weight for _, weight in works])
        await work()

    def works(self) -> Sequence[tuple[Work, int]]:
        raise NotImplementedError

    async def done(self, document: str, who: Person | None = None, **variables: Any) -> tuple[float, Any]:  # noqa: ANN401
        """(when it was acknowledged, its payload). What begins from then on must know of it. Raises Lost, Refused."""
        payload = await self.front.mutate(self.random, who or self.who, document, **variables)
        return time.monotonic(), payload


@dataclass
class Author(Writer):
    """Writes posts and does to them what authors do. A post whose state is not known is not touched again."""

    tags: Sequence[str] = ()
    written: int = 0
    live: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def works(self) -> Sequence[tuple[Work, int]]:
        return (
            (self.create, 5 if len(self.live) < 40 else 1),
            (self.create_draft, 1),
            (self.schedule, 2),
            (self.publish, 2 if self.drafts else 0),
            (self.edit, 4 if self.live else 0),
            (self.tag, 3 if self.live else 0),
            (self.delete, 3 if self.live else 0),
            (self.restore, 2 if self.deleted else 0),
        )

    async def create(self) -> None:
        self.live.append((await self._created(publish="NOW"))["id"])

    async def create_draft(self) -> None:
        self.drafts.append((await self._created(publish="DRAFT"))["id"])

    async def schedule(self) -> None:
        """Not touched again: that it falls due is all that happens to it."""
        at = datetime.now(UTC) + timedelta(seconds=self.random.uniform(SOONEST_S, FALLS_DUE_WITHIN_S))
        await self._created(publish="AT", publishAt=at.isoformat())

    async def _created(self, **how: Any) -> Any:  # noqa: ANN401 - the post.
        self.written += 1
        given = {"title": f"Title {self.written}", "body": "Body.", "tags": self._some_tags()} | how
        _, payload = await self.done(documents.CREATE_POST, input=given)
        return payload["post"]

    async def publish(self) -> None:
        post_id = self._taken(self.drafts)
        await self.done(documents.PUBLISH_POST, id=post_id)
        self.live.append(post_id)

    async def edit(self) -> None:
        self.written += 1
        await self._updated(title=f"Title {self.written}")

    async def tag(self) -> None:
        await self._updated(tags=self._some_tags())

    async def _updated(self, **change: Any) -> None:  # noqa: ANN401 - of the input.
        post_id = self._taken(self.live)
        at, payload = await self.done(documents.UPDATE_POST, input={"id": post_id} | change)
        self.front.ledger.edited(post_id, payload["post"]["version"], at)
        self.live.append(post_id)

    async def delete(self) -> None:
        post_id = self._taken(self.live)
        at, _ = await self.done(documents.DELETE_POST, id=post_id)
        self.front.ledger.hidden("post", post_id, at=at)
        self.deleted.append(post_id)

    async def restore(self) -> None:
        post_id = self._taken(self.deleted)
        self.front.ledger.shows_again("post", post_id)
        await self.done(documents.RESTORE_POST, id=post_id)
        self.live.append(post_id)

    def _some_tags(self) -> list[str]:
        return self.random.sample(self.tags, self.random.randint(0, min(3, len(self.tags))))

    def _taken(self, ids: list[str]) -> str:
        return ids.pop(self.random.randrange(len(ids)))


@dataclass
class Suspended(Author):
    """An author whom a moderator suspends and restores again and again, with all that they have written."""

    moderator: Person = field(default_factory=Person)

    def works(self) -> Sequence[tuple[Work, int]]:
        return ((self.suspend, 1 if self.live else 0), (self.create, 6), (self.edit, 3 if self.live else 0))

    async def suspend(self) -> None:
        try:
            at, _ = await self.done(documents.SUSPEND_USER, self.moderator, id=self.who.id)
            self.front.ledger.hidden("author", self.who.id, at=at)
            await asyncio.sleep(self.random.uniform(1, 6) * self.pause_s)
        finally:
            self.front.ledger.shows_again("author", self.who.id)
            await self._restored()

    async def _restored(self) -> None:
        """Their own mutations need it, so that it is asked for until it is acknowledged."""
        while True:
            with suppress(Lost):
                await self.done(documents.RESTORE_USER, self.moderator, id=self.who.id)
                return
            await asyncio.sleep(self.pause_s)
