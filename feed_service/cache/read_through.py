"""Get it, or load and keep it. The cache being away makes an answer slower, never wrong and never an error."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiocache import RedisCache, SimpleMemoryCache
from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from feed_service.cache.entries import Entry

logger = logging.getLogger(__name__)

TIMEOUT_S = 0.05
UNUSABLE = (RedisError, OSError, TimeoutError, orjson.JSONDecodeError)


class ReadThrough:
    """JSON values behind keys, in this process's memory or in Redis."""

    def __init__(self, backend: BaseCache, close: Callable[[], Awaitable[object]]) -> None:
        self._backend = backend
        self.close = close
        self._loading: dict[str, asyncio.Future[Any]] = {}

    async def get_or_load(self, entry: Entry, *parts: object, load: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - JSON.
        """The value of `entry` for `parts`, loaded once however many ask for it at a time in this process."""
        key = entry.key(*parts)
        if key not in self._loading:
            self._loading[key] = asyncio.ensure_future(self._read(key, entry.ttl_s, load))
            self._loading[key].add_done_callback(lambda _: self._loading.pop(key, None))
        return await asyncio.shield(self._loading[key])

    async def _read(self, key: str, ttl_s: float, load: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - JSON.
        try:
            kept = await self._backend.get(key)
            if kept is not None:
                return orjson.loads(kept)
        except UNUSABLE as error:
            logger.warning("The cache could not be read: %s", type(error).__name__)
        value = await load()
        try:
            await self._backend.set(key, orjson.dumps(value), ttl=float(ttl_s))
        except UNUSABLE as error:
            logger.warning("The cache could not be written: %s", type(error).__name__)
        return value


def connect(url: str) -> ReadThrough:
    """A cache at `memory://`, `redis://…` or `rediss://…`; nothing is sent before the first use."""
    if urlsplit(url).scheme == "memory":
        memory = SimpleMemoryCache(serializer=NullSerializer(encoding=None), timeout=None)
        return ReadThrough(memory, memory.close)
    # aiocache can neither read a URL nor switch off the ten retries of redis-py 8, and closes its client by a
    # deprecated name; so the client is ours.
    client = Redis.from_url(url, socket_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))
    backend = RedisCache(serializer=NullSerializer(encoding=None), timeout=TIMEOUT_S)
    backend.client = client
    return ReadThrough(backend, client.aclose)
