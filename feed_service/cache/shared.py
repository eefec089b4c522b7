"""Redis as a backend of the cache, one server or a cluster, by aiocache's low-level operations.

Imported only where CACHE_URL asks for it: redis-py takes 14 MB of each worker.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiocache import RedisCache
from aiocache.serializers import NullSerializer
from redis.exceptions import RedisError, ResponseError

from feed_service.cache.backends import Claim, Item
from feed_service.cache.clients import Client, client_at


def lock_of(name: str) -> str:
    """In the same slot of a cluster as the name itself."""
    return f"{{{name}}}:lock"


def backend_at(url: str) -> "Pipelined":
    """Raises ConfigurationError."""
    return Pipelined(client_at(url))


class Pipelined:
    """Redis: many keys take one round trip; in a cluster, one to each server that has some of them."""

    is_shared = True
    faults: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)
    refusals: tuple[type[Exception], ...] = (ResponseError,)

    def __init__(self, client: Client) -> None:
        # aiocache can neither read a URL nor switch off the ten retries of redis-py 8, and closes its client by a
        # deprecated name; so the client is ours.
        self._cache = RedisCache(serializer=NullSerializer(encoding=None), timeout=None)
        self._cache.client = client.commands
        self._is_cluster, self._close = client.is_cluster, client.close

    async def get_many(self, names: Sequence[str]) -> Sequence[bytes | None]:
        if len(names) > 1 and self._is_cluster:
            # MGET is refused for keys of different slots.
            answers = await self._at_once(lambda pipe: [pipe.get(name) for name in names])
            return [None if isinstance(answer, Exception) else answer for answer in answers]
        found: Sequence[bytes | None] = await self._cache.multi_get(names)
        return found or [None] * len(names)  # AIOCACHE_DISABLE answers nothing.

    async def add_many(self, items: Sequence[Item]) -> None:
        if len(items) == 1:
            await self._added(items[0])
            return
        await self._all_at_once(lambda pipe: [pipe.set(*item[:2], px=_ms(item.life_s), nx=True) for item in items])

    async def _added(self, item: Item) -> bool:
        try:
            await self._cache.add(item.name, item.value, ttl=item.life_s)
        except ValueError:
            return False
        return True

    async def replace(self, item: Item, seen: bytes) -> None:
        await self._cache.set(item.name, item.value, ttl=item.life_s, _cas_token=seen)

    async def put_many(self, items: Sequence[Item]) -> None:
        await self._all_at_once(lambda pipe: [pipe.set(*item[:2], px=_ms(item.life_s)) for item in items])

    async def delete_many(self, names: Sequence[str]) -> None:
        await self._all_at_once(lambda pipe: [pipe.delete(name) for name in names])

    async def claim_many(self, names: Sequence[str], token: str, lease_s: float) -> list[Claim]:
        """First the lock, then a look: whoever had the lock before us has kept the value before letting it go."""

        def ask(pipe: Any) -> None:  # noqa: ANN401 - redis-py's pipeline.
            for name in names:
                pipe.set(lock_of(name), token, px=_ms(lease_s), nx=True)
                pipe.get(name)

        answers = iter(await self._at_once(ask))
        return [self._claim(locked, kept) for locked, kept in zip(answers, answers, strict=True)]

    def _claim(self, locked: Any, kept: Any) -> Claim:  # noqa: ANN401 - answers of redis-py.
        if isinstance(locked, Exception):
            raise locked
        if isinstance(kept, ResponseError):
            return Claim(bool(locked), None, is_foreign=True)
        if isinstance(kept, Exception):
            raise kept
        return Claim(bool(locked), kept)

    async def release_many(self, names: Sequence[str], token: str) -> None:
        script = self._cache.RELEASE_SCRIPT
        await self._all_at_once(lambda pipe: [pipe.eval(script, 1, lock_of(name), token) for name in names])

    async def lead(self, name: str, lease_s: float) -> bool:
        return await self._added(Item(name, b"1", lease_s))

    async def close(self) -> object:
        return await self._close()

    async def _all_at_once(self, ask: Callable[[Any], object]) -> None:
        for answer in await self._at_once(ask):
            if isinstance(answer, Exception):
                raise answer

    async def _at_once(self, ask: Callable[[Any], object]) -> list[Any]:
        pipe = await self._cache.raw("pipeline", transaction=False)
        ask(pipe)
        answers: Awaitable[list[Any]] = pipe.execute(raise_on_error=False)
        return await answers


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1_000))
