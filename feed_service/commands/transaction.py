"""What a command gets first: its statements, who asks, and where it says what it has changed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import bindparam, insert

from feed_service import models
from feed_service.cache import entries
from feed_service.cache.read_through import ReadThrough
from feed_service.commands import audit
from feed_service.commands.audit import AuditEvent
from feed_service.commands.counting import Deltas
from feed_service.transactions import Isolation, Statements, WriteDatabase, compiled
from feed_service.viewer import Viewer

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Change:
    """An event for pollers: `was_*` before it, `is_*` after. `author_id`: whose followers it concerns."""

    kind: str
    action: str
    subject_id: int
    author_id: int | None = None
    post_id: int | None = None
    was_listed: bool | None = None
    is_listed: bool | None = None
    was_published_at: datetime | None = None
    is_published_at: datetime | None = None
    was_tagged: list[int] | None = None
    is_tagged: list[int] | None = None


_TOLD = tuple(Change.__dataclass_fields__)
LOG = compiled(insert(models.ChangeLog).values({name: bindparam(name) for name in ("actor_id", *_TOLD)}))


@dataclass
class Transaction:
    """`count`, `changed` and `audited` collect; what they collected is written last, before the commit.

    The numbers come after all else: a row of numbers that everybody moves is locked for the shortest time.
    """

    sql: Statements
    viewer: Viewer
    request_id: str
    _deltas: Deltas = field(default_factory=Deltas)
    _changes: list[Change] = field(default_factory=list)
    _events: list[AuditEvent] = field(default_factory=list)

    def count(self, model: type[models.Base], key: int, **numbers: int) -> None:
        """Add to the numbers of a row: `tx.count(models.PostStats, post_id, like_count=+1)`."""
        self._deltas.add(model, key, numbers)

    def counted(self, model: type[models.Base]) -> list[int]:
        """The ids whose numbers it moves."""
        return self._deltas.moved(model)

    def changed(self, change: Change) -> None:
        self._changes.append(change)

    def audited(self, event: AuditEvent) -> None:
        self._events.append(event)

    async def finish(self) -> None:
        if self._changes:
            who = {"actor_id": self.viewer.user_id}
            told = [who | {name: getattr(change, name) for name in _TOLD} for change in self._changes]
            await self.sql.run_all(LOG, told)
        if self._events:
            await audit.append(self.sql, self.viewer.user_id, self.request_id, self._events)
        await self._deltas.settle(self.sql)


Command = Callable[Concatenate[Transaction, Arguments], Awaitable[Answer]]


CACHED = {models.UserStats: entries.USER_STATS, models.TagStats: entries.TAG_STATS}
"""Numbers that the cache holds by their ids."""


@dataclass(frozen=True)
class Writer:
    """Runs the commands of one request, each in a transaction of its own.

    After the commit it drops from `cache` what the command has changed. If that is lost, as when the process dies
    between the two, the cache is behind for as long as the lifetimes of its `CACHED` entries: a second.
    """

    database: WriteDatabase
    viewer: Viewer
    request_id: str = ""
    cache: ReadThrough | None = None

    async def run(
        self, command: Command[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        return await self.run_in("read_committed", command, *args, **kwargs)

    async def run_in(
        self,
        isolation: Isolation,
        command: Command[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        async def work(sql: Statements) -> tuple[Any, Transaction]:
            transaction = Transaction(sql, self.viewer, self.request_id)
            answer = await command(transaction, *args, **kwargs)
            await transaction.finish()
            return answer, transaction

        answer, transaction = await self.database.transact(
            work, isolation=isolation, is_repeatable=is_repeatable(command)
        )
        await self._drop_counted(transaction)
        return answer  # type: ignore[no-any-return]

    async def _drop_counted(self, transaction: Transaction) -> None:
        for model, entry in CACHED.items():
            if self.cache and (ids := transaction.counted(model)):
                await self.cache.drop(entry, ids)


def not_repeatable(command: Command[Arguments, Answer]) -> Command[Arguments, Answer]:
    """Marks a command that would make a second thing if it were run again after a commit of unknown outcome."""
    command.is_repeatable = False  # type: ignore[attr-defined]
    return command


def is_repeatable(command: object) -> bool:
    return getattr(command, "is_repeatable", True)
