"""A backend of the cache in this process's memory, within bounds: what was not used for longest goes first."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from feed_service.bounded import Bounded
from feed_service.cache.backends import Claim, Item

MAX_KEYS = 100_000
MAX_BYTES = 64 * 1024 * 1024
KEY_BYTES = 250
"""What a key costs beside its value: the name, the entries of the dictionary, the objects."""


class Held(NamedTuple):
    value: bytes
    until_s: float


class BoundedMemory:
    """Values are bytes, each with a lifetime. Nothing in it ever waits or fails."""

    is_shared = False
    faults: tuple[type[Exception], ...] = ()
    refusals: tuple[type[Exception], ...] = ()

    def __init__(
        self, max_keys: int = MAX_KEYS, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes, self._clock = max_bytes, clock
        self._held = Bounded[str, Held](max_keys, max_bytes)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._held.weight

    async def get_many(self, names: Sequence[str]) -> Sequence[bytes | None]:
        return [self._alive(name) for name in names]

    async def add_many(self, items: Sequence[Item]) -> None:
        for item in items:
            self._add(item)

    async def replace(self, item: Item, seen: bytes) -> None:
        if self._alive(item.name) == seen:
            self._put(item)

    async def put_many(self, items: Sequence[Item]) -> None:
        for item in items:
            self._put(item)

    async def delete_many(self, names: Sequence[str]) -> None:
        for name in names:
            self._held.drop(name)

    async def claim_many(self, names: Sequence[str], token: str, lease_s: float) -> list[Claim]:
        """Nobody else reads this memory."""
        del token, lease_s
        return [Claim(True, kept) for kept in await self.get_many(names)]

    async def release_many(self, names: Sequence[str], token: str) -> None:
        pass

    async def lead(self, name: str, lease_s: float) -> bool:
        return self._add(Item(name, b"1", lease_s))

    async def close(self) -> object:
        return None

    def _add(self, item: Item) -> bool:
        """Whether it was not there."""
        if self._alive(item.name) is not None:
            return False
        self._put(item)
        return True

    def _put(self, item: Item) -> None:
        size = len(item.value) + KEY_BYTES
        self._held.put(item.name, Held(item.value, self._clock() + item.life_s), size)
        if size > self._max_bytes:
            self._held.drop(item.name)

    def _alive(self, name: str) -> bytes | None:
        held = self._held.get(name)
        if held is None:
            return None
        if held.until_s <= self._clock():
            self._held.drop(name)
            return None
        return held.value
