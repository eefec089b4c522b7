"""A memory that stays within bounds: what was not asked for for longest goes first."""

from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(Generic[Key, Value]):
    """At most `most` values, of `most_weight` together; the newest one stays whatever it weighs."""

    def __init__(self, most: int, most_weight: float = inf) -> None:
        self._most, self._most_weight = most, most_weight
        self._held: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._weight = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def get(self, key: Key) -> Value | None:
        held = self._held.get(key)
        if held is None:
            return None
        self._held.move_to_end(key)
        return held[0]

    def put(self, key: Key, value: Value, weight: int = 0) -> None:
        self.drop(key)
        self._held[key] = (value, weight)
        self._weight += weight
        while len(self._held) > 1 and (len(self._held) > self._most or self._weight > self._most_weight):
            self.drop(next(iter(self._held)))

    def drop(self, key: Key) -> None:
        held = self._held.pop(key, None)
        self._weight -= held[1] if held else 0

    def clear(self) -> None:
        self._held.clear()
        self._weight = 0
