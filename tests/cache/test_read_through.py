"""What is asked for often is computed once, and nothing else than what was computed is ever answered."""

import asyncio
import pickle
from typing import Any
from uuid import uuid4

import orjson
import pytest
from redis.asyncio import Redis

from feed_service.cache.entries import Entry
from feed_service.cache.envelope import sealed
from feed_service.observability import Metrics
from tests.cache.conftest import Connect, Source


def an_entry(**changes: object) -> Entry:
    return Entry(f"numbers_{uuid4().hex}", version=1, ttl_s=30, **changes)  # type: ignore[arg-type]


def reads(metrics: Metrics, entry: Entry) -> dict[str, float]:
    outcomes = ("hit", "stale", "negative", "miss", "dropped", "rubbish", "away")
    counted = {one: metrics.value("feed_cache_reads_total", entry=entry.name, outcome=one) for one in outcomes}
    return {outcome: number for outcome, number in counted.items() if number}


async def test_keys_are_computed_once_and_answered_in_their_order(
    cache_url: str, connect: Connect, source: Source
) -> None:
    metrics, entry = Metrics(), an_entry()
    cache = connect(cache_url, metrics)
    asked = [[1, 2, 3], [3, 1], [2, 2, 4]]
    found = await asyncio.gather(*(cache.get_many(entry, keys, source) for keys in asked))
    assert found == [[[key, 1] for key in keys] for keys in asked]
    assert sorted(map(str, source.asked)) == ["1", "2", "3", "4"]
    assert await cache.get_many(entry, [4, 1], source) == [[4, 1], [1, 1]]
    assert await cache.get_many(entry, [], source) == []
    assert len(source.asked) == 4
    assert reads(metrics, entry) == {"miss": 4, "hit": 2}
    assert metrics.value("feed_cache_waits_saved_total", entry=entry.name, by="process") == 3


async def test_keys_never_meet(cache_url: str, connect: Connect) -> None:
    cache, entry = connect(cache_url), an_entry()

    async def told(text: str) -> str:
        return text

    assert await cache.get_or_load(entry, "a:b", "c", load=lambda: told("first")) == "first"
    assert await cache.get_or_load(entry, "a", "b:c", load=lambda: told("second")) == "second"
    assert await cache.get_or_load(entry, "a:b", "c", load=lambda: told("third")) == "first"


async def test_that_there_is_nothing_is_kept_if_the_entry_says_so(
    cache_url: str, connect: Connect, source: Source
) -> None:
    metrics, keeps, forgets = Metrics(), an_entry(negative_s=30), an_entry()
    cache, source.nothing = connect(cache_url, metrics), {7}
    for entry in (keeps, keeps, forgets, forgets):
        assert await cache.get_many(entry, [7, 8], source) == [None, [8, 1]]
    assert source.asked == [7, 8, 7, 8, 7]
    assert reads(metrics, keeps) == {"miss": 2, "negative": 1, "hit": 1}


async def test_a_stale_value_is_served_while_one_process_computes_the_next(
    cache_url: str, connect: Connect, source: Source
) -> None:
    entry = an_entry(soft_s=0.3, jitter=0)
    caches = [connect(cache_url) for _ in range(2 if cache_url != "memory://" else 1)]
    assert await caches[0].get_many(entry, [1], source) == [[1, 1]]
    await asyncio.sleep(0.31)
    source.version = 2
    served = await asyncio.gather(*(cache.get_many(entry, [1], source) for cache in caches * 5))
    assert served == [[[1, 1]]] * len(served)
    for _ in range(100):
        await asyncio.sleep(0.01)
        if await caches[0].get_many(entry, [1], source) == [[1, 2]]:
            break
    assert source.asked == [1, 1]


async def test_a_value_that_cannot_be_computed_anew_is_served_to_its_end(
    cache_url: str, connect: Connect, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: list[int]) -> list[object]:
        raise RuntimeError("on purpose")

    metrics, entry = Metrics(), an_entry(soft_s=0)
    cache = connect(cache_url, metrics)
    await cache.get_many(entry, [1], source)
    assert await cache.get_many(entry, [1], broken) == [[1, 1]]
    for _ in range(100):
        await asyncio.sleep(0.005)
        assert await cache.get_many(entry, [1], broken) == [[1, 1]]
        if failures := metrics.value("feed_cache_errors_total", entry=entry.name, operation="refresh"):
            break
    assert failures == 1
    assert "on purpose" in caplog.text


async def test_what_is_too_large_is_not_kept(cache_url: str, connect: Connect) -> None:
    cache, entry, asked = connect(cache_url), an_entry(max_bytes=200), []

    async def load() -> str:
        asked.append(1)
        return "x" * 200

    for _ in range(2):
        assert await cache.get_or_load(entry, 1, load=load) == "x" * 200
    assert len(asked) == 2


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickle was opened",))


async def test_rubbish_is_a_miss_and_is_replaced(valkey_url: str, connect: Connect, source: Source) -> None:
    metrics, entry = Metrics(), an_entry(is_valid=lambda value: isinstance(value, list))
    cache, name = connect(valkey_url, metrics), entry.key(1)
    old, far = sealed(name, [1, 1], 0, 0), 2**50
    foreign, misshapen = sealed(entry.key(2), [1, 1], far, far), sealed(name, {"a": 1}, far, far)
    kinds = [pickle.dumps(Bomb()), b"[1,", b"\xff\xfe", b"7", b"", b"[1,2,3,4]", foreign, misshapen, b"[" * 10_000, old]
    async with Redis.from_url(valkey_url) as client:
        for number, rubbish in enumerate(kinds, start=1):
            await client.set(name, rubbish, px=30_000)
            assert await cache.get_many(entry, [1], source) == [[1, 1]]
            assert len(source.asked) == number, rubbish
            kept: Any = await client.get(name)
            assert orjson.loads(kept)[-1] == [1, 1]
        await client.delete(name)
        await client.rpush(name, "a list")
        assert await cache.get_many(entry, [1], source) == [[1, 1]]
        assert await client.type(name) == b"string"
    assert reads(metrics, entry) == {"rubbish": len(kinds), "miss": 2}


async def test_a_failing_load_is_an_error_for_all_who_wait_and_not_kept(
    cache_url: str, connect: Connect, source: Source
) -> None:
    async def broken(_: list[int]) -> list[object]:
        await asyncio.sleep(0.01)
        raise RuntimeError("on purpose")

    cache, entry = connect(cache_url), an_entry()
    waiting = (cache.get_many(entry, [1], broken) for _ in range(3))
    assert [str(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == ["on purpose"] * 3
    assert await cache.get_many(entry, [1], source) == [[1, 1]]


async def test_whoever_stops_waiting_does_not_stop_the_others(cache_url: str, connect: Connect, source: Source) -> None:
    cache, entry = connect(cache_url), an_entry()
    first, second = (asyncio.create_task(cache.get_many(entry, [1], source)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == [[1, 1]]
    assert source.asked == [1]
