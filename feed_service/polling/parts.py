"""What one process has for all its pollers."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from feed_service.polling.interests import Interests
from feed_service.polling.pace import poll_after_s
from feed_service.polling.tail import Tail
from feed_service.polling.tokens import SyncTokens
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind


@dataclass(frozen=True)
class Polling:
    """`load`: above 1 the service has more to do than it should; it then asks its clients to come less often."""

    tail: Tail
    interests: Interests
    tokens: SyncTokens
    load: Callable[[], float]

    async def feed_after_s(self, viewer: Viewer, kind: FeedKind) -> int:
        """In how many seconds such a feed of the viewer is worth asking for again."""
        await self.tail.caught_up()
        interest = await self.interests.of(viewer)
        return self._after_s(self.interests.idle_s(interest, kind))

    def thread_after_s(self, *, is_active: bool) -> int:
        return self._after_s(0 if is_active else None)

    def _after_s(self, idle_s: float | None) -> int:
        return poll_after_s(idle_s, self.load(), random.random())  # noqa: S311 - to spread clients, no secret.
