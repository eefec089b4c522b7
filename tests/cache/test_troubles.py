"""A cache that is away, slow, full or restarted costs time, never a wrong or failed answer, and not often."""

import asyncio
import random
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from feed_service.cache.backends import Item
from feed_service.cache.clients import client_at
from feed_service.cache.entries import Entry
from feed_service.cache.shared import Pipelined
from feed_service.cache.store import Away, Store
from feed_service.observability import Metrics
from tests.cache.conftest import Connect, Source
from tests.cache.servers import Server, free_port

rng = random.Random(4)  # noqa: S311 - no secret.

NUMBERS = Entry("numbers", version=1, ttl_s=30, tombstone_s=1)


def opened(metrics: Metrics) -> float:
    return metrics.value("feed_cache_breaker_opened_total")


def failures(metrics: Metrics) -> float:
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "feed_cache_errors_total")


async def until_asked(cache_is_away: object) -> None:
    for _ in range(500):
        if not cache_is_away():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the cache was not looked for again")


async def test_nobody_is_there(connect: Connect, source: Source) -> None:
    metrics = Metrics()
    cache = connect(f"redis://127.0.0.1:{free_port()}/0", metrics)
    assert await cache.get_many(NUMBERS, [1, 2], source) == [[1, 1], [2, 1]]
    assert await cache.get_many(NUMBERS, [1, 2], source) == [[1, 1], [2, 1]]
    await cache.drop(NUMBERS, [1])
    assert await cache.lead("warming", 30)
    assert (opened(metrics), failures(metrics), cache.is_away) == (1, 4, True)
    assert metrics.value("feed_cache_errors_total", entry="numbers", operation="lost drop") == 1
    assert metrics.value("feed_cache_breaker_open") == 1


@pytest.mark.usefixtures("impatient")
async def test_a_frozen_cache_keeps_three_operations_waiting_and_no_more(
    server: Server, connect: Connect, source: Source
) -> None:
    metrics = Metrics()
    cache = connect(server.url, metrics)
    await cache.get_many(NUMBERS, [0], source)
    with server.frozen():
        for key in range(20):
            assert await cache.get_many(NUMBERS, [key], source) == [[key, 1]]
        assert (opened(metrics), failures(metrics)) == (1, 3)
    await cache.get_many(NUMBERS, [0], source)
    await until_asked(lambda: cache.is_away)
    number = len(source.asked)
    assert await cache.get_many(NUMBERS, [0], source) == [[0, 1]]
    assert len(source.asked) == number
    assert metrics.value("feed_cache_breaker_open") == 0


@pytest.mark.usefixtures("impatient")
async def test_a_flushed_and_a_restarted_cache_are_filled_again(
    server: Server, connect: Connect, source: Source
) -> None:
    cache = connect(server.url)
    await cache.get_many(NUMBERS, [1], source)
    async with Redis.from_url(server.url) as client:
        await client.flushall()
    source.version = 2
    assert await cache.get_many(NUMBERS, [1], source) == [[1, 2]]
    server.kill()
    source.version = 3
    for _ in range(3):
        assert await cache.get_many(NUMBERS, [1], source) == [[1, 3]]
    server.start()
    await cache.get_many(NUMBERS, [1], source)
    await until_asked(lambda: cache.is_away)
    await cache.get_many(NUMBERS, [1], source)
    number = len(source.asked)
    assert await cache.get_many(NUMBERS, [1], source) == [[1, 3]]
    assert len(source.asked) == number


async def test_a_full_cache_is_read_and_dropped_from_and_keeps_nothing_new(
    server: Server, connect: Connect, source: Source
) -> None:
    metrics = Metrics()
    cache = connect(server.url, metrics)
    await cache.get_many(NUMBERS, [1, 2], source)
    async with Redis.from_url(server.url) as client:
        await client.config_set("maxmemory-policy", "noeviction")
        await client.config_set("maxmemory", "1")
        source.version = 2
        assert await cache.get_many(NUMBERS, [1, 3], source) == [[1, 1], [3, 2]]
        await cache.drop(NUMBERS, [1])
        assert await cache.get_many(NUMBERS, [1, 2, 3], source) == [[1, 2], [2, 1], [3, 2]]
        assert await client.keys() == [NUMBERS.key(2).encode()]
    assert not cache.is_away


async def test_a_replica_that_takes_no_writes_is_read(server: Server, connect: Connect, source: Source) -> None:
    cache = connect(server.url)
    await cache.get_many(NUMBERS, [1], source)
    async with Redis.from_url(server.url) as client:
        await client.config_set("replica-serve-stale-data", "yes")
        await client.replicaof("127.0.0.1", str(free_port()))
        assert await cache.get_many(NUMBERS, [1, 2], source) == [[1, 1], [2, 1]]
        await cache.drop(NUMBERS, [1])
    assert source.asked == [1, 2]


async def test_a_wrong_password_is_no_error_for_those_who_ask(server: Server, connect: Connect, source: Source) -> None:
    cache = connect(f"redis://:wrong@127.0.0.1:{server.port}/0")
    assert await cache.get_many(NUMBERS, [1], source) == [[1, 1]]


async def test_an_answer_that_came_too_late_is_never_taken_for_that_of_another_key(server: Server) -> None:
    """The flaw of CVE-2023-28859: after a cancelled command its answer stays on the connection, for the next one."""
    backend = Pipelined(client_at(server.url))
    names = [f"key {number}" for number in range(100)]
    await backend.put_many([Item(name, name.encode(), 60.0) for name in names])
    given_up = 0

    async def read(limit_s: float) -> None:
        nonlocal given_up
        wanted = rng.sample(names, rng.choice([1, 1, 3]))
        try:
            async with asyncio.timeout(limit_s):
                assert await backend.get_many(wanted) == [name.encode() for name in wanted]
                claims = await backend.claim_many(wanted, "token", 0.001)
                assert [claim.kept for claim in claims] == [name.encode() for name in wanted]
        except Pipelined.faults:
            given_up += 1

    for _ in range(40):
        await asyncio.gather(*(read(rng.uniform(0, 0.01)) for _ in range(20)))
    with server.frozen():
        await asyncio.gather(*(read(0.01) for _ in range(20)))
    await asyncio.gather(*(read(5) for _ in range(100)))
    assert given_up >= 20
    await backend.close()


@pytest.mark.usefixtures("impatient")
async def test_nor_by_the_store_which_lets_late_operations_end(server: Server) -> None:
    store, names = Store(Pipelined(client_at(server.url)), Metrics().cache), [f"key {number}" for number in range(50)]
    items = [Item(name, name.encode(), 60.0) for name in names]
    await store.do("test", "put", lambda backend: backend.put_many(items))
    answers = 0

    async def read() -> None:
        nonlocal answers
        name = rng.choice(names)
        with suppress(Away):
            assert await store.do("test", "read", lambda backend: backend.get_many([name])) == [name.encode()]
            answers += 1

    for _ in range(5):
        answers = 0
        with server.frozen():
            await asyncio.gather(*(read() for _ in range(20)))
        assert answers == 0
        for _ in range(200):
            await read()
            if not store.is_away:
                break
            await asyncio.sleep(0.01)
        answers = 0
        await asyncio.gather(*(read() for _ in range(20)))
        assert answers == 20
    await store.close()
