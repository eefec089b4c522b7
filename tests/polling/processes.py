"""Tails as several processes have them, each with its own connections."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from feed_service.database import ReadDatabase
from feed_service.polling import epochs
from feed_service.polling.tail import Tail
from feed_service.transactions import WriteDatabase


@asynccontextmanager
async def processes(url: str) -> AsyncIterator[Callable[[], Tail]]:
    """A function that makes the tail of one more process."""
    async with AsyncExitStack() as beside:

        def another() -> Tail:
            reading, writing = ReadDatabase.connect(url, pool_size=1), WriteDatabase.connect(url, pool_size=1)
            tail = Tail(reading, partial(epochs.renew, writing))
            for room in (writing, reading, tail):
                beside.push_async_callback(room.close)
            return tail

        yield another
