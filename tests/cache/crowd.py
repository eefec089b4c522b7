"""One of several processes in which many ask for the same at once: python -m tests.cache.crowd URL READERS KEYS."""

import asyncio
import os
import sys

from redis.asyncio import Redis

from feed_service.cache import read_through
from feed_service.cache.entries import Entry

CROWD = Entry("crowd", version=1, ttl_s=60, wait_s=10)


async def main(url: str, readers: int, keys: int) -> None:
    """Waits for a word on the list `go`. Every computation of key 7 adds one to `computed:7`."""
    cache, wanted = read_through.connect(url), list(range(keys))
    async with Redis.from_url(url, socket_timeout=None) as client:

        async def compute(missing: list[int]) -> list[str]:
            for key in missing:
                await client.incr(f"computed:{key}")
            await asyncio.sleep(0.1)
            return [f"{key} by {os.getpid()}" for key in missing]

        await client.rpush("ready", os.getpid())
        await client.blpop(["go"])
        many = await asyncio.gather(*(cache.get_many(CROWD, wanted, compute) for _ in range(readers)))
        print(*many[0], sep="\n")  # noqa: T201 - what the test reads.
        assert all(found == many[0] for found in many)
    await cache.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
