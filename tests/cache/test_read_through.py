"""The cache may be away, slow or hold rubbish: answers then take longer and are never wrong."""

import asyncio
import os
import signal
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from feed_service.cache import read_through
from feed_service.cache.entries import Entry
from feed_service.embedded import valkey

NUMBERS = Entry("numbers", version=1, ttl_s=30)


class Source:
    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> list[int]:
        self.asked += 1
        await asyncio.sleep(0.01)
        return [1, 2, 3]


@pytest.fixture(params=["memory", "valkey"])
def cache_url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("valkey_url"))


async def test_a_value_is_loaded_once_and_kept(cache_url: str) -> None:
    cache, source = read_through.connect(cache_url), Source()
    many = await asyncio.gather(*(cache.get_or_load(NUMBERS, "kept", cache_url, load=source) for _ in range(20)))
    assert many == [[1, 2, 3]] * 20
    assert await cache.get_or_load(NUMBERS, "kept", cache_url, load=source) == [1, 2, 3]
    assert source.asked == 1
    await cache.close()


async def test_rubbish_in_the_cache_is_read_past_and_replaced(valkey_url: str) -> None:
    cache, source = read_through.connect(valkey_url), Source()
    async with Redis.from_url(valkey_url) as client:
        for rubbish in (b"\x80\x04not json", b"[1,", b"\xff\xfe"):
            await client.set(NUMBERS.key("rubbish"), rubbish)
            assert await cache.get_or_load(NUMBERS, "rubbish", load=source) == [1, 2, 3]
        assert orjson.loads(await client.get(NUMBERS.key("rubbish")))[-1] == [1, 2, 3]
    await cache.close()


async def test_a_failing_load_is_an_error_for_all_who_wait_and_not_kept(cache_url: str) -> None:
    async def broken() -> list[int]:
        await asyncio.sleep(0.01)
        raise RuntimeError("on purpose")

    cache, source = read_through.connect(cache_url), Source()
    waiting = (cache.get_or_load(NUMBERS, "broken", cache_url, load=broken) for _ in range(3))
    assert [str(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == ["on purpose"] * 3
    assert await cache.get_or_load(NUMBERS, "broken", cache_url, load=source) == [1, 2, 3]
    await cache.close()


async def test_a_frozen_and_a_dead_cache_cost_time_only(tmp_path: Path) -> None:
    with valkey.running(tmp_path) as server:
        cache, source = read_through.connect(server.url), Source()
        assert await cache.get_or_load(NUMBERS, 1, load=source) == [1, 2, 3]
        os.kill(server.pid, signal.SIGSTOP)
        try:
            assert await asyncio.wait_for(cache.get_or_load(NUMBERS, 2, load=source), timeout=2) == [1, 2, 3]
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert await asyncio.wait_for(cache.get_or_load(NUMBERS, 3, load=source), timeout=2) == [1, 2, 3]
    assert source.asked == 3
    await cache.close()
