"""A client that polls as docs/polling.md tells it to, and writers whose transactions are held open."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from feed_service import models
from feed_service.commands.transaction import Command, Transaction
from feed_service.errors import ManyRefused, Refused
from feed_service.transactions import Statements
from feed_service.viewer import ANONYMOUS
from tests.api import Api, viewer_of

POST = "id title tags { slug }"
ARGUMENTS = "$kind: FeedKind!, $filter: FeedFilter"
PAGE = f"""query ({ARGUMENTS}, $first: Int) {{ feed(kind: $kind, filter: $filter, first: $first) {{
    edges {{ position node {{ {POST} }} }} pageInfo {{ hasNextPage }} head {{ token newCount {{ value }} }} }} }}"""
CHANGES = f"""query ({ARGUMENTS}, $since: SyncToken!, $first: Int!) {{
    feedChanges(kind: $kind, filter: $filter, since: $since, first: $first) {{
        added {{ position node {{ {POST} }} }} updated {{ {POST} }} removedIds nextToken hasMore resetRequired }} }}"""
HEAD = f"""query ({ARGUMENTS}, $since: SyncToken) {{ feedHead(kind: $kind, filter: $filter, since: $since) {{
    token resetRequired newCount {{ value isCapped }} newAuthors {{ username }} }} }}"""

MOST_WINDOWS = 100

LOCKED_OUT_S = 0.05
"""Whoever has not done its work by then waits for a lock of another that is held."""


@dataclass
class Client:
    """A list from the top of a feed to its end, or to the position `bottom`. `told` is all that it was ever told of."""

    api: Api
    who: models.User | None
    kind: str
    filter: dict[str, Any] | None = None
    first: int = 100
    window: int = 50
    token: str = ""
    bottom: str = ""
    posts: dict[str, Any] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    resets: int = 0

    async def ask(self, query: str, **more: Any) -> Any:  # noqa: ANN401 - JSON.
        (answer,) = (await self.api(query, self.who, kind=self.kind, filter=self.filter, **more)).values()
        return answer

    async def load(self) -> None:
        page = await self.ask(PAGE, first=self.first)
        self.token = page["head"]["token"]
        self.posts = {edge["node"]["id"]: edge for edge in page["edges"]}
        self.bottom = page["edges"][-1]["position"] if page["pageInfo"]["hasNextPage"] else ""

    async def changes(self) -> Any:  # noqa: ANN401 - JSON.
        return await self.ask(CHANGES, since=self.token, first=self.window)

    async def head(self) -> Any:  # noqa: ANN401 - JSON.
        return await self.ask(HEAD, since=self.token)

    async def poll(self) -> None:
        for _ in range(MOST_WINDOWS):
            news = await self.changes()
            if news["resetRequired"]:
                self.resets += 1
                await self.load()
                return
            self.apply(news)
            if not news["hasMore"]:
                return
        raise AssertionError("it never ends")

    def apply(self, news: Any) -> None:  # noqa: ANN401 - JSON.
        self.told |= {*news["removedIds"], *(post["id"] for post in news["updated"])}
        self.told |= {edge["node"]["id"] for edge in news["added"]}
        for edge in news["added"]:
            if edge["position"] >= self.bottom:
                self.posts[edge["node"]["id"]] = edge
        for post in news["updated"]:
            if post["id"] in self.posts:
                self.posts[post["id"]] = self.posts[post["id"]] | {"node": post}
        for post_id in news["removedIds"]:
            self.posts.pop(post_id, None)
        self.token = news["nextToken"]

    def shown(self) -> list[Any]:
        return sorted(self.posts.values(), key=lambda edge: edge["position"], reverse=True)

    async def wanted(self) -> list[Any]:
        """What a fresh page shows down to the same place."""
        edges = (await self.ask(PAGE, first=100))["edges"]
        return [edge for edge in edges if edge["position"] >= self.bottom]


class Hold:
    """A transaction waits here, when it has done its work, until it is let go."""

    def __init__(self, *, is_open: bool) -> None:
        self.reached, self._open = asyncio.Event(), asyncio.Event()
        if is_open:
            self.let_go()

    def let_go(self) -> None:
        self._open.set()

    async def passed(self) -> None:
        self.reached.set()
        await self._open.wait()


@dataclass
class Writers:
    """Transactions on real connections, some of them held open."""

    api: Api
    held: list[Hold] = field(default_factory=list)
    _tasks: list["asyncio.Task[Any]"] = field(default_factory=list)

    async def run(self, who: models.User | None, command: Command[..., Any], *given: Any) -> Any:  # noqa: ANN401 - as the command says.
        return await self._transact(who, command, given, Hold(is_open=True))

    async def begin(self, who: models.User | None, command: Command[..., Any], *given: Any, holds: bool) -> None:  # noqa: ANN401 - as above.
        """Returns when the work is done, or waits for a lock of others."""
        hold = Hold(is_open=not holds)
        task = asyncio.create_task(self._transact(who, command, given, hold))
        self._tasks.append(task)
        self.held += [hold] if holds else []
        done = asyncio.ensure_future(hold.reached.wait()) if holds else task
        await asyncio.wait({task, done}, timeout=LOCKED_OUT_S, return_when=asyncio.FIRST_COMPLETED)
        hold.reached.set()

    async def _transact(
        self,
        who: models.User | None,
        command: Command[..., Any],
        given: tuple[Any, ...],
        hold: Hold,
    ) -> Any:  # noqa: ANN401 - what the command answers.
        viewer = viewer_of(who) if who else ANONYMOUS

        async def work(sql: Statements) -> Any:  # noqa: ANN401 - as above.
            transaction = Transaction(sql, viewer, "test")
            answer = await command(transaction, *given)
            # Before the last locks are taken, those of numbers and of the audit trail, which everybody needs.
            await hold.passed()
            await transaction.finish()
            return answer

        return await self.api.writing.transact(work)

    def let_go(self, number: int) -> None:
        """Have one of those that are held commit."""
        self.held.pop(number).let_go()

    async def end(self) -> None:
        """Have all commit. What was refused, or has waited too long for a lock, has not happened."""
        for hold in self.held:
            hold.let_go()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, NOT_DONE):
                raise outcome
        self.held.clear()
        self._tasks.clear()


NOT_DONE = Refused, ManyRefused, asyncpg.LockNotAvailableError
