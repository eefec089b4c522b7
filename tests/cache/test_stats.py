"""Numbers of users and tags from the cache: as old as they say, and dropped by what moves them, after its commit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from feed_service import loaders, models
from feed_service.cache import entries
from feed_service.cache.envelope import TOMBSTONE
from feed_service.cache.read_through import ReadThrough
from feed_service.commands import likes, tag_follows
from feed_service.commands.transaction import Transaction, Writer
from feed_service.database import ReadDatabase
from feed_service.loaders.batching import Reader
from feed_service.loaders.reads import Reads
from feed_service.transactions import WriteDatabase
from feed_service.viewer import Viewer
from tests.cache.conftest import Connect
from tests.cache.servers import free_port
from tests.world import World, world_on


@pytest_asyncio.fixture
async def world(empty_database_url: str, valkey_url: str) -> AsyncIterator[World]:
    async with Redis.from_url(valkey_url) as client, world_on(empty_database_url) as world:
        await client.flushall()
        yield world


@pytest_asyncio.fixture
async def reading(empty_database_url: str) -> AsyncIterator[ReadDatabase]:
    database = ReadDatabase.connect(empty_database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def ann_and_her_post(world: World) -> tuple[models.User, models.Post]:
    ann = await world.user("ann")
    await world.user("bob")
    post = await world.post(ann, tags=(await world.tag("sql"),))
    await world.count()
    return ann, post


BOB = Viewer(2)


def reader_of(database: ReadDatabase, cache: ReadThrough) -> Reader:
    return Reader(database, cache, BOB)


async def likes_of(reader: Reader, user: models.User) -> int | None:
    (numbers,) = await loaders.stats.by_user_id(reader, [user.id])
    return numbers and numbers.received_like_count


@pytest.fixture
def long_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine takes longer for a test than numbers live."""
    for name in ("USER_STATS", "TAG_STATS"):
        monkeypatch.setattr(entries, name, replace(getattr(entries, name), ttl_s=60))


@pytest.mark.usefixtures("long_lived")
async def test_cached_numbers_are_those_of_the_database_and_say_when_they_were_read(
    reading: ReadDatabase, valkey_url: str, connect: Connect, ann_and_her_post: tuple[models.User, models.Post]
) -> None:
    reader = reader_of(reading, connect(valkey_url))
    first = await loaders.stats.by_user_id(reader, [2, 99, 1])
    again = await loaders.stats.by_user_id(reader_of(reading, connect(valkey_url)), [2, 99, 1])
    assert again == first
    fresh = await loaders.stats.by_user_id(replace(reader, reads=Reads(is_fresh=True)), [2, 99, 1])
    assert fresh[1] is first[1] is None
    ann, later = first[2], fresh[2]
    assert ann
    assert later
    assert later.as_of > ann.as_of
    assert later == ann._replace(as_of=later.as_of)
    assert (ann.post_count, ann.last_published_at) == (1, ann_and_her_post[1].published_at)
    assert await loaders.stats.by_tag_id(reader, [1, 99]) == [(1, 0), (0, 0)]
    assert await loaders.stats.by_tag_id(reader, [1, 99]) == [(1, 0), (0, 0)]


@pytest.mark.usefixtures("long_lived")
async def test_what_a_command_moves_is_dropped_for_all_processes(
    reading: ReadDatabase,
    writing: WriteDatabase,
    valkey_url: str,
    connect: Connect,
    ann_and_her_post: tuple[models.User, models.Post],
) -> None:
    ann, post = ann_and_her_post
    other = reader_of(reading, connect(valkey_url))
    writer = Writer(writing, BOB, "", connect(valkey_url))
    assert await likes_of(other, ann) == 0
    await writer.run(likes.like_post, post.id)
    assert await likes_of(other, ann) == 1
    assert await loaders.stats.by_tag_id(other, [1]) == [(1, 0)]
    await writer.run(tag_follows.follow_tags, ["sql"])
    assert await loaders.stats.by_tag_id(other, [1]) == [(1, 1)]


async def test_a_command_that_fails_drops_nothing(
    reading: ReadDatabase,
    writing: WriteDatabase,
    valkey_url: str,
    connect: Connect,
    ann_and_her_post: tuple[models.User, models.Post],
) -> None:
    ann, _ = ann_and_her_post
    cache = connect(valkey_url)
    assert await likes_of(reader_of(reading, cache), ann) == 0

    async def broken(tx: Transaction) -> None:
        tx.count(models.UserStats, ann.id, received_like_count=1)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await Writer(writing, BOB, "", cache).run(broken)
    async with Redis.from_url(valkey_url) as client:
        assert await client.get(entries.USER_STATS.key(ann.id)) != TOMBSTONE
    assert await likes_of(reader_of(reading, cache), ann) == 0


async def test_a_write_succeeds_while_the_cache_is_away(
    reading: ReadDatabase, writing: WriteDatabase, connect: Connect, ann_and_her_post: tuple[models.User, models.Post]
) -> None:
    ann, post = ann_and_her_post
    cache = connect(f"redis://127.0.0.1:{free_port()}/0")
    assert await likes_of(reader_of(reading, cache), ann) == 0
    await Writer(writing, BOB, "", cache).run(likes.like_post, post.id)
    assert await likes_of(reader_of(reading, cache), ann) == 1


async def test_without_the_drop_numbers_are_old_for_a_second_at_most(
    reading: ReadDatabase,
    writing: WriteDatabase,
    valkey_url: str,
    connect: Connect,
    ann_and_her_post: tuple[models.User, models.Post],
) -> None:
    """As when the process dies between its commit and the drop."""
    ann, post = ann_and_her_post
    reader = reader_of(reading, connect(valkey_url))
    assert await likes_of(reader, ann) == 0
    await Writer(writing, BOB).run(likes.like_post, post.id)
    assert await likes_of(reader, ann) in {0, 1}
    assert await likes_of(replace(reader, reads=Reads(is_fresh=True)), ann) == 1
    await asyncio.sleep(1.0)
    assert await likes_of(reader, ann) == 1
