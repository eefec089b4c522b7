"""Keys of creations: one thing is made under each, however often, and whatever happens between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import bindparam, insert, text

from feed_service import models, transactions
from feed_service.commands import idempotency
from feed_service.commands.transaction import Transaction, Writer, not_repeatable
from feed_service.database import create_engine
from feed_service.errors import InProgress, Invalid, Refused, Unauthenticated
from feed_service.transactions import WRITING, OutcomeUnknown, WriteDatabase, compiled
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import UserErrorCode
from tests.commands.laws import contents
from tests.world import World

ADD = compiled(
    insert(models.Category).values(slug=bindparam("slug"), name=bindparam("name")).returning(models.Category.id)
)


@pytest_asyncio.fixture
async def database(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url)
    yield database
    await database.close()


@not_repeatable
async def create(tx: Transaction, name: str) -> int:
    if name == "bad":
        raise Refused(UserErrorCode.INVALID, "Not this one.")
    slug = f"{name}-{await tx.sql.value(COUNT)}"
    return int(await tx.sql.value(ADD, slug=slug, name=name))


COUNT = compiled(text("SELECT count(*) FROM categories").columns())


async def make(database: WriteDatabase, who: models.User, name: str, key: str | None, mutation: str = "create") -> int:
    return await Writer(database, Viewer(who.id)).run(idempotency.once(mutation, key, create), name)


async def names(world: World) -> list[str]:
    return [row["name"] for row in await contents(world, models.Category)]


async def test_a_key_makes_one_thing_per_viewer_and_mutation(world: World, database: WriteDatabase) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    first = await make(database, ann, "one", "k")
    assert await make(database, ann, "one", "k") == first
    others = [
        await make(database, bob, "one", "k"), await make(database, ann, "one", "K"),
        await make(database, ann, "one", "k", "another"), await make(database, ann, "one", None),
    ]  # fmt: skip
    assert len({first, *others}) == 5
    assert await names(world) == ["one"] * 5


async def test_a_key_with_another_input_is_a_mismatch(world: World, database: WriteDatabase) -> None:
    ann = await world.user("ann")
    await make(database, ann, "one", "k")
    before = await contents(world)
    for name in ("two", "bad"):
        with pytest.raises(Refused) as refused:
            await make(database, ann, name, "k")
        assert (refused.value.reason, refused.value.field) == ("IDEMPOTENCY_MISMATCH", ("idempotencyKey",))
    assert await contents(world) == before


async def test_a_refused_attempt_does_not_use_the_key_up(world: World, database: WriteDatabase) -> None:
    ann = await world.user("ann")
    with pytest.raises(Refused):
        await make(database, ann, "bad", "k")
    await make(database, ann, "one", "k")
    assert await names(world) == ["one"]


async def test_duplicates_at_once_make_one_thing(world: World, database: WriteDatabase) -> None:
    ann = await world.user("ann")
    made = await asyncio.gather(*(make(database, ann, "one", "k") for _ in range(20)))
    assert len(set(made)) == 1
    assert await names(world) == ["one"]


async def test_a_duplicate_waits_for_the_first_but_not_for_ever(world: World, empty_database_url: str) -> None:
    ann, begun, go_on = await world.user("ann"), asyncio.Event(), asyncio.Event()
    impatient = create_engine(empty_database_url, pool_size=2, **WRITING | {"lock_timeout": "100"})
    database = WriteDatabase(impatient)

    async def slowly(tx: Transaction, name: str) -> int:
        begun.set()
        await go_on.wait()
        return await create(tx, name)

    writer = Writer(database, Viewer(ann.id))
    first = asyncio.create_task(writer.run(idempotency.once("create", "k", slowly), "one"))
    await begun.wait()
    with pytest.raises(InProgress):
        await make(database, ann, "one", "k")
    second = asyncio.create_task(make(database, ann, "one", "k"))
    await asyncio.sleep(0.02)
    go_on.set()
    assert await first == await second
    assert await names(world) == ["one"]
    await database.close()


async def test_a_duplicate_of_an_attempt_that_fails_is_the_first(world: World, database: WriteDatabase) -> None:
    ann, begun = await world.user("ann"), asyncio.Event()

    async def failing(tx: Transaction, name: str) -> int:
        await create(tx, name)
        begun.set()
        await asyncio.sleep(0.05)
        raise Refused(UserErrorCode.INVALID, "After all not.")

    writer = Writer(database, Viewer(ann.id))
    first = asyncio.create_task(writer.run(idempotency.once("create", "k", failing), "one"))
    await begun.wait()
    await make(database, ann, "one", "k")
    with pytest.raises(Refused):
        await first
    assert await names(world) == ["one"]


@pytest.mark.parametrize("key", ["k", None])
async def test_with_a_key_a_commit_of_unknown_outcome_is_answered(
    world: World, database: WriteDatabase, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    """It was stored, but the connection broke before that was said."""
    commit = transactions._commit  # noqa: SLF001 - where the fault is put in.
    ann, broken = await world.user("ann"), asyncio.Event()

    async def commit_and_break(connection: Any, driver: Any, transaction: Any) -> None:  # noqa: ANN401 - asyncpg's.
        await commit(connection, driver, transaction)
        if not broken.is_set():
            broken.set()
            raise OutcomeUnknown("It is not known whether this was stored.")

    monkeypatch.setattr(transactions, "_commit", commit_and_break)
    if key is None:
        with pytest.raises(OutcomeUnknown):
            await make(database, ann, "one", None)
    else:
        made = await make(database, ann, "one", key)
        assert made == (await contents(world, models.Category))[0]["id"]
    assert await names(world) == ["one"]


async def test_keys_are_good_for_a_day_and_then_forgotten(world: World, database: WriteDatabase) -> None:
    ann, now = await world.user("ann"), datetime.now(UTC)
    for key, hours in (("young", 23), ("old", 25), ("older", 26)):
        await make(database, ann, key, key)
        async with world.engine.begin() as connection:
            await connection.execute(
                text("UPDATE idempotency_keys SET created_at = :at WHERE key = :key"),
                {"at": now - timedelta(hours=hours), "key": key},
            )
    await make(database, ann, "young", "young")
    await make(database, ann, "another", "old")
    await make(database, ann, "another", "old")
    assert await names(world) == ["young", "old", "older", "another"]
    writer = Writer(database, ANONYMOUS)
    assert [await writer.run(idempotency.forget_expired) for _ in range(2)] == [1, 0]
    assert [row["key"] for row in await contents(world, models.IdempotencyKey)] == ["old", "young"]


@pytest.mark.parametrize("key", ["", "two words", "é", "k" * 201, "k\n", "\0", "\ud800"])
async def test_a_malformed_key_is_refused(world: World, database: WriteDatabase, key: str) -> None:
    ann = await world.user("ann")
    with pytest.raises(Invalid) as refused:
        await make(database, ann, "one", key)
    assert (refused.value.reason, refused.value.field) == ("INVALID", ("idempotencyKey",))
    assert await names(world) == []


async def test_nobody_has_keys(database: WriteDatabase) -> None:
    with pytest.raises(Unauthenticated):
        await Writer(database, ANONYMOUS).run(idempotency.once("create", "k", create), "one")
