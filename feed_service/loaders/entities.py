"""Users, tags and categories that one process keeps for as long as the change log tells of no change of them.

Only loads that decide nothing about visibility are served from here (docs/decisions/0020-entity-cache.md).
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from sys import getsizeof
from typing import Any, Generic, Protocol, TypeVar

from feed_service.bounded import Halves
from feed_service.loaders.align import one_per_key
from feed_service.loaders.reads import Reads
from feed_service.observability import Tally

Row = TypeVar("Row")
Load = Callable[[list[int]], Awaitable[Sequence[Row]]]
"""(ids) -> the rows there are, in any order."""

KNOWN_S = 0.05
"""How long before a request the log may have been read: how late another process learns of a new name."""

MOST_USERS, MOST_USER_BYTES = 20_000, 12_000_000
MOST_TAGS, MOST_TAG_BYTES = 10_000, 4_000_000
MOST_CATEGORIES, MOST_CATEGORY_BYTES = 500, 500_000

USER_TEXTS = ("username", "display_name", "bio", "avatar_url")
TAG_TEXTS, CATEGORY_TEXTS = ("slug", "name"), ("slug", "name", "description")

id_of: Callable[[Any], int] = attrgetter("id")

ROW_BYTES = 300
"""A row without its texts, with its place in a dict: 16,000 users of 130 letters each took 8.6 MB (2026-11-21)."""


class Log(Protocol):
    """What is asked of `polling.tail.Tail`."""

    def keeps_up(self, within_s: float, moment_s: float) -> bool: ...

    def listen(self, listener: Callable[[Sequence[Any] | None], None]) -> None: ...


@dataclass(eq=False, slots=True)
class Told:
    """What was told while rows were being loaded: of these ids, or that nothing before is known."""

    ids: set[int] = field(default_factory=set)
    is_lost: bool = False


class Kept(Generic[Row]):
    """Rows of one kind by their ids; they are shared by all requests, and nobody changes them."""

    def __init__(self, log: Log | None, known_s: float, texts: Sequence[str], most: int, most_bytes: int) -> None:
        """`texts`: the columns that decide how much a row weighs."""

        def weigh(row: Row) -> int:
            return ROW_BYTES + sum(getsizeof(getattr(row, name)) for name in texts)

        self.tally = Tally()
        self._log, self._known_s = log, known_s
        self._rows = Halves[int, Row](most, most_bytes, weigh)
        self._loading: list[Told] = []

    def __len__(self) -> int:
        return len(self._rows)

    async def by_id(self, ids: list[int], load: Load[Row], reads: Reads) -> list[Row | None]:
        """One answer per id; `load` is asked for those that are not kept, and for all if the log may have more to tell.

        That is, of what was written `known_s` before the request began, and at all if it asks for the newest.
        """
        if self._log is None:
            return one_per_key(ids, await load(ids), id_of)
        if reads.is_fresh or not self._log.keeps_up(self._known_s, reads.began_s):
            self.tally.passed += len(ids)
            return one_per_key(ids, await self._loaded(ids, load), id_of)
        found = self._rows.many(ids)
        if all(found):  # No row is empty, and this is the quickest way to ask.
            self.tally.hits += len(ids)
            return found
        missing = [wanted for wanted, row in zip(ids, found, strict=True) if row is None]
        self.tally.hits += len(ids) - len(missing)
        self.tally.misses += len(missing)
        loaded = {id_of(row): row for row in await self._loaded(missing, load)}
        return [loaded.get(wanted) if row is None else row for wanted, row in zip(ids, found, strict=True)]

    async def _loaded(self, ids: list[int], load: Load[Row]) -> Sequence[Row]:
        """The rows, kept unless there was news of them meanwhile: then they may be older than what was told."""
        with self._listening() as told:
            rows = await load(ids)
        if not told.is_lost:
            for row in rows:
                if id_of(row) not in told.ids:
                    self._rows.put(id_of(row), row)
        return rows

    @contextmanager
    def _listening(self) -> Iterator[Told]:
        told = Told()
        self._loading.append(told)
        try:
            yield told
        finally:
            self._loading.remove(told)

    def drop(self, row_id: int) -> None:
        """There is news of it."""
        self.tally.dropped += self._rows.drop(row_id)
        for told in self._loading:
            told.ids.add(row_id)

    def clear(self) -> None:
        """It is not known of what there is news."""
        self.tally.dropped += len(self._rows)
        self._rows.clear()
        for told in self._loading:
            told.is_lost = True


class Entities:
    """What one process keeps. Without a log it keeps nothing."""

    def __init__(self, log: Log | None = None, *, known_s: float = KNOWN_S) -> None:
        self.users = Kept[Any](log, known_s, USER_TEXTS, MOST_USERS, MOST_USER_BYTES)
        self.tags = Kept[Any](log, known_s, TAG_TEXTS, MOST_TAGS, MOST_TAG_BYTES)
        self.categories = Kept[Any](log, known_s, CATEGORY_TEXTS, MOST_CATEGORIES, MOST_CATEGORY_BYTES)
        self.by_kind = {"user": self.users, "tag": self.tags, "category": self.categories}
        """By the kind of event that tells of a change."""
        if log is not None:
            log.listen(self._told)

    def _told(self, events: Sequence[Any] | None) -> None:
        if events is None:
            for kept in self.by_kind.values():
                kept.clear()
            return
        for event in events:
            kept_of = self.by_kind.get(event.kind)
            if kept_of is not None:
                kept_of.drop(event.subject_id)
