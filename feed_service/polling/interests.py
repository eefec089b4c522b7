"""Whose and which posts the feeds of a viewer hold, kept in memory for as long as the tail knows of no change."""

from collections.abc import Sequence

from feed_service.bounded import Bounded
from feed_service.database import ReadDatabase
from feed_service.errors import Unavailable
from feed_service.polling.interest import Interest, ties
from feed_service.polling.memory import MEMORY_US
from feed_service.polling.snapshots import Snapshot
from feed_service.polling.tail import Event, Tail
from feed_service.queries import interests
from feed_service.transactions import Statements, compiled
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind

__all__ = ["Interest", "Interests"]

INTEREST = compiled(interests.interest())

MOST_VIEWERS = 50_000
MOST_IDS = 200_000
"""Of all viewers, about 14 MB as frozen sets: of 2,000 who follow a hundred. Who is let go is read again, in one go.
In sorted arrays they would need a tenth, and each look ten times as long."""

ATTEMPTS = 5
LOOKED_AT = 2_000
"""The newest events among which the last one that touched a feed is looked for."""


class Interests:
    """Of the viewers who asked last, bounded by their number and that of their ids."""

    def __init__(
        self, database: ReadDatabase, tail: Tail, *, most_viewers: int = MOST_VIEWERS, most_ids: int = MOST_IDS
    ) -> None:
        self.database, self.tail = database, tail
        self._kept = Bounded[int, Interest](most_viewers, most_ids)
        self._of_nobody = Interest(None, Snapshot(1, 1, frozenset()))
        tail.listen(self._told)

    async def of(self, viewer: Viewer) -> Interest:
        """The interest as of `tail.standing` when this returns. Whoever awaits anything after it asks again.

        Raises Unavailable, and what reading raises.
        """
        if viewer.user_id is None:
            return self._of_nobody
        kept = self._kept.get(viewer.user_id)
        if kept is not None:
            return kept
        for _ in range(ATTEMPTS):
            loaded = await self._loaded(viewer.user_id)
            if loaded is not None:
                self._kept.put(viewer.user_id, loaded, len(loaded))
                return loaded
        raise Unavailable("What you follow changes faster than it can be read. Please try again.")

    async def _loaded(self, viewer_id: int) -> Interest | None:
        """None when the tail has moved past it meanwhile."""
        epoch = (self.tail.known or await self.tail.caught_up()).epoch
        meters = self.database.meters
        (row,) = await self.database.by_driver(
            lambda driver: Statements(driver, meters=meters).rows(INTEREST, viewer_id=viewer_id)
        )
        loaded, standing = Interest.of(viewer_id, row), self.tail.standing
        missed = self.tail.since(loaded.snapshot, standing.clock_us)
        if standing.epoch != epoch or missed is None or any(loaded.touches(FeedKind.HOME, one) for one in ties(missed)):
            return None
        return loaded

    def _told(self, events: Sequence[Event] | None) -> None:
        if events is None:
            self._kept.clear()
            return
        for event in ties(events):
            kept = self._kept.get(event.author_id or 0)
            if kept is not None and not kept.snapshot.sees(event.xid):
                self._kept.drop(event.author_id or 0)

    def idle_s(self, interest: Interest, kind: FeedKind) -> float | None:
        """Seconds since something touched such a feed; those of the memory if nothing did; None: it is too young."""
        number, last_us = interest.last_touched.get(kind, (0, None))
        standing = self.tail.standing
        if number < standing.number:
            found = self.tail.after(number)
            newest = self.tail.remembered() if found is None else found
            touched = (event.at for event in reversed(newest[-LOOKED_AT:]) if interest.touches(kind, event))
            last_us = next(touched, last_us)
            interest.last_touched[kind] = (standing.number, last_us)
        if last_us is not None:
            return (standing.clock_us - last_us) / 1e6
        remembered_us = standing.clock_us - self.tail.remembered_since_us()
        return remembered_us / 1e6 if remembered_us >= MEMORY_US else None
