"""What the processes of this room leave for each other in the cache: registered documents, and versions of answers."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from feed_service.cache.entries import ANSWER_VERSIONS, PERSISTED_TEXTS, Entry
from feed_service.cache.read_through import ReadThrough
from feed_service.errors import FeedError
from feed_service.execution.unchanged import Version


class Missing(Exception):
    """The cache does not hold it."""


class Shelf:
    """Values that one process writes once and others read; nothing is computed when it is missing."""

    def __init__(self, cache: ReadThrough, entry: Entry) -> None:
        self.cache, self.entry = cache, entry

    async def get(self, key: str) -> Any:  # noqa: ANN401 - JSON, or None.
        try:
            return await self.cache.get_or_load(self.entry, key, load=_missing)
        except Missing:
            return None

    async def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - JSON.
        """Whoever looks for it at this moment finds nothing, which the cache tells all who wait with them."""
        try:
            await self.cache.get_or_load(self.entry, key, load=_giving(value))
        except Missing:
            with suppress(Missing):
                await self.cache.get_or_load(self.entry, key, load=_giving(value))


async def _missing() -> None:
    raise Missing


def _giving(value: Any) -> Callable[[], Awaitable[Any]]:  # noqa: ANN401 - JSON.
    async def give() -> Any:  # noqa: ANN401 - JSON.
        return value

    return give


class TextsInCache:
    def __init__(self, cache: ReadThrough) -> None:
        self.shelf = Shelf(cache, PERSISTED_TEXTS)

    async def get(self, sha256: str) -> str | None:
        text = await self.shelf.get(sha256)
        return text if isinstance(text, str) else None

    async def put(self, sha256: str, text: str) -> None:
        await self.shelf.put(sha256, text)


class VersionsInCache:
    def __init__(self, cache: ReadThrough) -> None:
        self.shelf = Shelf(cache, ANSWER_VERSIONS)

    async def get(self, etag: str) -> tuple[bytes, Version] | None:
        value = await self.shelf.get(etag)
        if value is None:
            return None
        try:
            digest, packed = value
            return bytes.fromhex(digest), Version.unpack(packed)
        except (ValueError, TypeError, AttributeError, FeedError):
            return None

    async def put(self, etag: str, digest: bytes, version: Version) -> None:
        await self.shelf.put(etag, [digest.hex(), version.packed()])
