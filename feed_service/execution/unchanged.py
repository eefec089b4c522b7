"""Whether an answer would be the same if it were made again: what it read is held against what the log tells since.

Public numbers may lag for the rest of the 15 seconds in which the answer was made, nothing else may.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from feed_service.execution.touches import Touch, touched
from feed_service.loaders.reads import Class, Reads
from feed_service.polling.interest import Interest
from feed_service.polling.interests import Interests
from feed_service.polling.memory import Lane
from feed_service.polling.snapshots import Snapshot
from feed_service.polling.tail import Standing, Tail
from feed_service.viewer import Role, Viewer
from feed_service.vocabulary import FeedKind, PostOrder

logger = logging.getLogger(__name__)

BUCKET_US = 15_000_000
NUMBERS_FOR_US = 300_000_000
"""How long numbers are taken for unchanged: repairs, unlike whatever else moves them, write no event."""

CACHED_NUMBERS_S = 3.0
"""Numbers out of a cache may be older than the answer: a second, and the second that the tail may be behind."""

NUMBERS = frozenset({Class.POST_NUMBERS, Class.USER_NUMBERS, Class.COMMENT_NUMBERS, Class.TAG_NUMBERS})
CACHED_NUMBERS = frozenset({Class.USER_NUMBERS, Class.TAG_NUMBERS})
IN_THREADS = frozenset({Class.THREADS, Class.COMMENTS, Class.POST_NUMBERS, Class.OWN})
IN_REACTIONS = NUMBERS | {Class.THREADS, Class.POST_LIKERS, Class.COMMENT_LIKERS, Class.AUTHOR_LIKES, Class.OWN}
Ranking = Callable[[FeedKind, PostOrder], Awaitable[int]]
"""The id of the generation that is current."""


@dataclass(slots=True)
class Version:
    """What one answer to `viewer` read, and up to which read of the log it is known to be unchanged.

    `has_moved`: its numbers are not what they would be now; `is_changed`: more than they.
    """

    viewer: Viewer
    ids: Mapping[Class, frozenset[int]]
    feeds: frozenset[FeedKind]
    rankings: Mapping[tuple[FeedKind, PostOrder], int]
    standing: Standing
    lanes: tuple[Lane, ...]
    number: int
    has_moved: bool = False
    is_changed: bool = False

    @classmethod
    def of(cls, viewer: Viewer, reads: Reads, standing: Standing) -> Self:
        ids = {of: frozenset(noted) for of, noted in reads.ids.items()}
        lanes = lanes_of(ids)
        return cls(viewer, ids, frozenset(reads.feeds), dict(reads.rankings), standing, lanes, standing.number)

    def __len__(self) -> int:
        return sum(map(len, self.ids.values()))

    def packed(self) -> list[Any]:
        at = self.standing
        return [
            self.viewer.user_id, self.viewer.role, {of.value: sorted(ids) for of, ids in self.ids.items()},
            sorted(self.feeds), [[kind, order, number] for (kind, order), number in self.rankings.items()],
            [at.snapshot.text, at.clock_us, at.epoch], self.has_moved,
        ]  # fmt: skip

    @classmethod
    def unpack(cls, value: Any) -> Self:  # noqa: ANN401 - JSON.
        """As it was when it was made, by this process or another. Raises ValueError, TypeError or FeedError."""
        user_id, role, noted, feeds, rankings, (snapshot, clock_us, epoch), has_moved = value
        ids = {Class(of): frozenset(map(int, found)) for of, found in noted.items()}
        kinds = {(FeedKind(kind), PostOrder(order)): int(number) for kind, order, number in rankings}
        standing = Standing(0, Snapshot.parse(snapshot), int(clock_us), int(epoch), None)
        lanes = lanes_of(ids)
        viewer = Viewer(user_id, Role(role))
        return cls(viewer, ids, frozenset(map(FeedKind, feeds)), kinds, standing, lanes, 0, bool(has_moved))


def lanes_of(ids: Mapping[Class, object]) -> tuple[Lane, ...]:
    threads = () if IN_THREADS.isdisjoint(ids) else (Lane.THREADS,)
    reactions = () if IN_REACTIONS.isdisjoint(ids) else (Lane.REACTIONS,)
    return (Lane.FEEDS, *threads, *reactions)


class Versions:
    """Makes versions, and judges them."""

    def __init__(self, tail: Tail, interests: Interests, ranking: Ranking) -> None:
        self.tail, self.interests, self.ranking = tail, interests, ranking
        self._numbers: deque[tuple[float, int]] = deque(maxlen=16)

    @asynccontextmanager
    async def remembering(self) -> AsyncIterator[None]:
        """Begin to remember beside the block, and not with the first question: versions of others may be of before."""
        task = asyncio.create_task(self._remember())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _remember(self) -> None:
        try:
            await self.tail.caught_up()
        except Exception:
            logger.warning("The log could not be read at start; the first who asks will.", exc_info=True)

    async def begin(self, *, is_fresh: bool = False) -> Standing:
        """Before an answer is made: whatever is written after this is news to it."""
        standing = await self.tail.caught_up(0 if is_fresh else 1.0)
        now = asyncio.get_running_loop().time()
        if not self._numbers or now - self._numbers[-1][0] >= 1.0:
            self._numbers.append((now, standing.number))
        return standing

    def made(self, viewer: Viewer, reads: Reads, standing: Standing) -> Version:
        """Of an answer that was made after `standing`."""
        version = Version.of(viewer, reads, standing)
        if not CACHED_NUMBERS.isdisjoint(version.ids):
            version.has_moved = self._moved_lately(version)
        return version

    def _moved_lately(self, version: Version) -> bool:
        """Whether numbers moved while the cache may have held their old values."""
        before = asyncio.get_running_loop().time() - CACHED_NUMBERS_S
        number = next((number for at, number in reversed(self._numbers) if at <= before), None)
        if number is None:
            return True
        for lane in version.lanes:
            events = self.tail.after(number, lane)
            if events is None or any(touched(version.ids, version.viewer.user_id, event) for event in events):
                return True
        return False

    async def is_unchanged(self, version: Version, *, within_s: float = 1.0, numbers_s: float | None = None) -> bool:
        """As of a read of the log that began at most `within_s` ago; `numbers_s`: how old moved numbers may be.

        Raises what reading raises.
        """
        if version.is_changed:
            return False
        if self.tail.is_behind(version.standing.snapshot, version.standing.clock_us):
            within_s = 0
        await self.tail.caught_up(within_s)
        for (kind, order), number in version.rankings.items():
            if await self.ranking(kind, order) != number:
                return False
        interest = await self.interests.of(version.viewer) if version.feeds else None
        standing = self.tail.standing
        if version.number != standing.number:
            self._look(version, interest, standing)
        return not version.is_changed and numbers_are_good(version, standing, numbers_s)

    def _look(self, version: Version, interest: Interest | None, standing: Standing) -> None:
        """At what came since it was looked at last."""
        made_at = version.standing
        if made_at.epoch != standing.epoch:
            version.is_changed = True
        for lane in version.lanes:
            if version.is_changed:
                return
            events = (
                self.tail.after(version.number, lane)
                if version.number
                else self.tail.since(made_at.snapshot, made_at.clock_us, lane)
            )
            if events is None:
                version.is_changed = True
                return
            for event in events:
                touch = touched(version.ids, version.viewer.user_id, event)
                version.has_moved |= touch is Touch.NUMBERS
                version.is_changed |= touch is Touch.MORE
                if interest is not None and any(interest.touches(kind, event) for kind in version.feeds):
                    version.is_changed = True
        version.number = standing.number


def numbers_are_good(version: Version, standing: Standing, numbers_s: float | None) -> bool:
    age_us = standing.clock_us - version.standing.clock_us
    if version.has_moved or Class.CLOCK in version.ids:
        if numbers_s is not None:
            return age_us <= numbers_s * 1e6
        return standing.clock_us // BUCKET_US == version.standing.clock_us // BUCKET_US
    return age_us <= NUMBERS_FOR_US or NUMBERS.isdisjoint(version.ids)
