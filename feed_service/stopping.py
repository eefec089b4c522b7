"""The end of a process: known to all of its parts as soon as it is asked for, and done when nothing is under way."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Stopping:
    """`is_begun`: whoever sends requests shall send them elsewhere; those that come are still answered."""

    is_begun: bool = False
    _calls: list[Callable[[], None]] = field(default_factory=list)

    def when_begun(self, call: Callable[[], None]) -> None:
        """For what takes up work by itself, which then takes up no more."""
        self._calls.append(call)

    def begin(self) -> None:
        if not self.is_begun:
            self.is_begun = True
            for call in self._calls:
                call()
