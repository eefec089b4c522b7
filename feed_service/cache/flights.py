"""One computation for all who ask for the same at the same time in this process."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from feed_service.cache.entries import Entry


class Flight:
    """Values on their way: by name in `found` as soon as they are there, at the latest when the task is done."""

    def __init__(self) -> None:
        self.began_s = time.monotonic()
        self.found: dict[str, Any] = {}
        self.task: asyncio.Task[None]

    def answer(self, name: str) -> Any:  # noqa: ANN401 - JSON.
        """Raises what the computation raised, for what it has not found."""
        if name not in self.found:
            self.task.result()
        return self.found[name]


class Flights:
    """The flights under way, by the name of each value."""

    def __init__(self) -> None:
        self._of: dict[str, Flight] = {}

    def of(self, entry: Entry, name: str) -> Flight | None:
        """None for one that began so long ago that its value may be too old by now."""
        flight = self._of.get(name)
        return flight if flight and time.monotonic() - flight.began_s < entry.ttl_s else None

    def start(self, names: Iterable[str], fly: Callable[[Flight], Coroutine[Any, Any, None]]) -> Flight:
        """A task of its own: whoever waits for it may be cancelled without harm to the others."""
        flight = Flight()
        self._of.update(dict.fromkeys(names, flight))

        def landed(task: asyncio.Task[None]) -> None:
            for name in names:
                if self._of.get(name) is flight:
                    del self._of[name]
            # All who waited may have gone; whoever is still there gets the error from `answer`.
            task.cancelled() or task.exception()

        flight.task = asyncio.create_task(fly(flight))
        flight.task.add_done_callback(landed)
        return flight

    def forget(self, names: Iterable[str]) -> None:
        """Whoever asks from now on computes anew."""
        for name in names:
            self._of.pop(name, None)
