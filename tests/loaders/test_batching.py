"""Waiters of one key cannot hurt each other, and a batch holds no more connections than one request may."""

import asyncio
import gc
import weakref
from typing import Annotated

import pytest
import strawberry
from sqlalchemy import func, select

from feed_service.cache import read_through
from feed_service.database import ReadDatabase
from feed_service.errors import Unavailable
from feed_service.loaders.batching import MAX_CONNECTIONS, Loaders, Reader
from feed_service.viewer import ANONYMOUS


def loaders_without_database() -> Loaders:
    return Loaders(Reader(ReadDatabase.connect("postgresql://nowhere/"), read_through.connect("memory://"), ANONYMOUS))


async def tenfold(_reader: Reader, keys: list[int]) -> list[int]:
    await asyncio.sleep(0.02)
    return [10 * key for key in keys]


async def test_a_cancelled_waiter_does_not_cancel_the_others() -> None:
    loaders = loaders_without_database()
    one, other = (asyncio.ensure_future(loaders.load(tenfold, 7)) for _ in range(2))
    await asyncio.sleep(0.01)
    one.cancel()
    assert await other == 70
    assert await loaders.load(tenfold, 7) == 70


async def test_what_a_request_has_loaded_goes_with_it_and_not_with_the_garbage_collector() -> None:
    loaders = loaders_without_database()
    await loaders.many(tenfold, [1, 2])
    gone = weakref.ref(loaders)
    gc.disable()
    try:
        del loaders
        assert gone() is None
    finally:
        gc.enable()


async def test_a_key_whose_only_waiter_left_can_be_loaded_again() -> None:
    loaders = loaders_without_database()
    waiter = asyncio.ensure_future(loaders.load(tenfold, 7))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert await loaders.load(tenfold, 7) == 70


async def test_a_batch_that_is_cancelled_from_within_answers_its_waiters() -> None:
    async def interrupted(_reader: Reader, _keys: list[int]) -> list[int]:
        raise asyncio.CancelledError

    with pytest.raises(Unavailable):
        await asyncio.wait_for(loaders_without_database().load(interrupted, 1), timeout=2)


async def test_loads_of_one_tick_are_one_batch_of_distinct_keys() -> None:
    seen: list[list[int]] = []

    async def noted(_reader: Reader, keys: list[int]) -> list[int]:
        seen.append(keys)
        return keys

    loaders = loaders_without_database()
    assert await asyncio.gather(*(loaders.load(noted, key) for key in (3, 1, 3, 2))) == [3, 1, 3, 2]
    assert seen == [[3, 1, 2]]


async def test_a_failing_field_does_not_take_the_whole_answer_with_it() -> None:
    """The trap of graphql-core 3.3: a non-null error cancels its siblings, whose loads others share."""
    loaders = loaders_without_database()

    @strawberry.type
    class Branch:
        @strawberry.field
        async def bad(self) -> int:
            raise ValueError("on purpose")

        @strawberry.field
        async def slow(self) -> int:
            return await loaders.load(tenfold, 7)

    @strawberry.type
    class Query:
        @strawberry.field
        def a(self) -> Annotated[Branch, "nullable below"] | None:
            return Branch()

        @strawberry.field
        async def other(self) -> int:
            return await loaders.load(tenfold, 7)

    result = await strawberry.Schema(Query).execute("{ a { bad slow } other }")
    assert result.data == {"a": None, "other": 70}
    assert [error.message for error in result.errors or []] == ["on purpose"]


async def test_one_request_holds_few_connections(database_url: str) -> None:
    database = ReadDatabase.connect(database_url, pool_size=10)
    reader = Reader(database, read_through.connect("memory://"), ANONYMOUS)
    busy = 0

    async def watch() -> None:
        nonlocal busy
        for _ in range(15):
            busy = max(busy, database.engine.pool.checkedout())  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)

    slow = select(func.pg_sleep(0.03))
    await asyncio.gather(watch(), *(reader.rows(slow) for _ in range(12)))
    assert busy == MAX_CONNECTIONS
    await database.close()


async def test_reading_connections_cannot_write(database_url: str) -> None:
    database = ReadDatabase.connect(database_url, pool_size=1)
    with pytest.raises(Exception, match="read-only transaction"):
        await database.rows(select(func.nextval("users_id_seq")))
    await database.close()
