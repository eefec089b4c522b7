"""A backend of aiocache in this process's memory that stays within bounds; what was not used for longest goes first."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer

MAX_KEYS = 100_000
MAX_BYTES = 64 * 1024 * 1024
KEY_BYTES = 250
"""What a key costs beside its value: the name, the entries of the dictionary, the objects."""


class Held(NamedTuple):
    value: bytes
    until_s: float


class BoundedMemory(BaseCache):  # type: ignore[misc] # aiocache has no types.
    """Values are bytes, each with a lifetime. Nothing in it ever waits."""

    def __init__(
        self, max_keys: int = MAX_KEYS, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(serializer=NullSerializer(encoding=None), timeout=None)
        self._max_keys, self._max_bytes, self._clock = max_keys, max_bytes, clock
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._held)

    async def _get(self, key: str, encoding: str | None = None, _conn: object = None) -> bytes | None:  # noqa: ARG002 - aiocache's.
        return self._alive(key)

    async def _multi_get(
        self,
        keys: Sequence[str],
        encoding: str | None = None,  # noqa: ARG002 - aiocache's.
        _conn: object = None,
    ) -> list[bytes | None]:
        return [self._alive(key) for key in keys]

    async def _set(
        self, key: str, value: bytes, ttl: float, _cas_token: bytes | None = None, _conn: object = None
    ) -> bool:
        if _cas_token is not None and self._alive(key) != _cas_token:
            return False
        self._remove(key)
        self._held[key] = Held(value, self._clock() + ttl)
        self.size += len(value) + KEY_BYTES
        while self._held and (len(self._held) > self._max_keys or self.size > self._max_bytes):
            self._remove(next(iter(self._held)))
        return True

    async def _add(self, key: str, value: bytes, ttl: float, _conn: object = None) -> bool:
        if self._alive(key) is not None:
            raise ValueError(f"There is a key {key} already.")
        return await self._set(key, value, ttl)

    async def _delete(self, key: str, _conn: object = None) -> int:
        return self._remove(key)

    async def _raw(self, command: str, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - aiocache's.
        raise NotImplementedError(f"Memory has no command {command}.")

    def _alive(self, key: str) -> bytes | None:
        held = self._held.get(key)
        if held is None:
            return None
        if held.until_s <= self._clock():
            self._remove(key)
            return None
        self._held.move_to_end(key)
        return held.value

    def _remove(self, key: str) -> int:
        held = self._held.pop(key, None)
        if held is None:
            return 0
        self.size -= len(held.value) + KEY_BYTES
        return 1
