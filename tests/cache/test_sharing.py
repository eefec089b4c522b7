"""Several processes share one cache: each value is computed once, and what a writer drops stays dropped."""

import asyncio
import sys
from collections.abc import Sequence

from redis.asyncio import Redis

from feed_service.cache.entries import Entry
from feed_service.cache.shared import lock_of
from tests.cache.conftest import Connect, Source
from tests.cache.servers import Server

NUMBERS = Entry("shared", version=1, ttl_s=30, tombstone_s=1, wait_s=0.3)


async def test_a_crowd_in_two_processes_computes_each_key_once(server: Server) -> None:
    argv = [sys.executable, "-m", "tests.cache.crowd", server.url, "50", "5"]
    crowds = [await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE) for _ in range(2)]
    async with Redis.from_url(server.url, socket_timeout=None) as client:
        async with asyncio.timeout(30):
            for _ in crowds:
                await client.blpop(["ready"], timeout=30)
            await client.rpush("go", 1, 2)
            (first, _), (second, _) = [await crowd.communicate() for crowd in crowds]
        assert first == second
        assert await client.mget([f"computed:{key}" for key in range(5)]) == [b"1"] * 5


async def test_whoever_waits_for_a_process_that_died_computes_by_itself(
    valkey_url: str, connect: Connect, source: Source
) -> None:
    cache = connect(valkey_url)
    async with Redis.from_url(valkey_url) as client:
        await client.set(lock_of(NUMBERS.key("orphan")), "dead", px=150)
        assert await cache.get_many(NUMBERS, ["orphan"], source) == [["orphan", 1]]
        await client.set(lock_of(NUMBERS.key("stuck")), "alive", px=60_000)
        assert await cache.get_many(NUMBERS, ["stuck"], source) == [["stuck", 1]]
        assert source.asked == ["orphan", "stuck"]
        assert await client.get(lock_of(NUMBERS.key("stuck"))) == b"alive"
        assert not await client.exists(lock_of(NUMBERS.key("orphan")))


async def test_whoever_waits_for_a_failing_process_computes_as_soon_as_it_has_failed(
    valkey_url: str, connect: Connect, source: Source
) -> None:
    async def broken(_: list[str]) -> list[str]:
        begun.set()
        await asyncio.sleep(0.03)
        raise RuntimeError("on purpose")

    begun, patient = asyncio.Event(), Entry("patient", version=1, ttl_s=30, wait_s=60)
    failing = asyncio.create_task(connect(valkey_url).get_many(patient, ["x"], broken))
    await begun.wait()
    assert await connect(valkey_url).get_many(patient, ["x"], source) == [["x", 1]]
    assert isinstance((await asyncio.gather(failing, return_exceptions=True))[0], RuntimeError)


async def test_a_reader_who_loaded_before_a_drop_cannot_put_the_old_value_back(
    cache_url: str, connect: Connect, source: Source
) -> None:
    reader, writer = connect(cache_url), connect(cache_url)
    if cache_url == "memory://":
        writer = reader
    loaded, gone_on = asyncio.Event(), asyncio.Event()

    async def slowly(keys: Sequence[str]) -> list[object]:
        old = await source(keys)
        loaded.set()
        await gone_on.wait()
        return old

    reading = asyncio.create_task(reader.get_many(NUMBERS, ["race"], slowly))
    await loaded.wait()
    source.version = 2
    await writer.drop(NUMBERS, ["race"])
    assert await writer.get_many(NUMBERS, ["race"], source) == [["race", 2]]
    gone_on.set()
    assert await reading == [["race", 1]]
    for cache in (reader, writer, connect(cache_url)):
        assert await cache.get_many(NUMBERS, ["race"], source) == [["race", 2]]


async def test_a_drop_beats_a_value_that_is_being_computed_anew(
    cache_url: str, connect: Connect, source: Source
) -> None:
    entry = Entry("renewed", version=1, ttl_s=30, soft_s=0, tombstone_s=1)
    cache = connect(cache_url)
    await cache.get_many(entry, [cache_url], source)
    await cache.get_many(entry, [cache_url], source)
    await asyncio.sleep(0.005)
    source.version = 2
    await cache.drop(entry, [cache_url])
    await asyncio.sleep(0.03)
    assert await cache.get_many(entry, [cache_url], source) == [[cache_url, 2]]


async def test_what_took_longer_to_load_than_a_tombstone_lives_is_not_kept(
    cache_url: str, connect: Connect, source: Source
) -> None:
    entry = Entry("slow", version=1, ttl_s=30, tombstone_s=0.055)
    cache = connect(cache_url)
    for _ in range(2):
        await cache.get_many(entry, [cache_url], source)
    assert source.asked == [cache_url] * 2


async def test_one_process_leads_for_as_long_as_its_lease(valkey_url: str, connect: Connect) -> None:
    first, second = connect(valkey_url), connect(valkey_url)
    assert [await cache.lead("warming", 0.5) for cache in (first, second, first)] == [True, False, False]
    assert await second.lead("another thing", 0.5)
    await asyncio.sleep(0.51)
    assert [await cache.lead("warming", 0.5) for cache in (second, first)] == [True, False]
