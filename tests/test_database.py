"""Reads go on when PostgreSQL cuts their connections off."""

import asyncio

import pytest
from sqlalchemy import BigInteger, bindparam, func, literal, make_url, select, text

from feed_service import models
from feed_service.database import InvalidValue, ReadDatabase, create_engine
from feed_service.queries import users
from feed_service.queries.prepared import for_ids
from feed_service.rows import is_a
from feed_service.viewer import ANONYMOUS
from tests.reads import noted
from tests.world import World


async def test_a_read_survives_the_end_of_every_pooled_connection(database_url: str) -> None:
    database = ReadDatabase.connect(database_url, pool_size=3)
    await asyncio.gather(*(database.rows(select(func.pg_sleep(0.02))) for _ in range(3)))
    killer = create_engine(database_url, pool_size=1)
    async with killer.connect() as connection:
        killed = await connection.scalars(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = :name"
            ),
            {"name": make_url(database_url).database},
        )
        assert len(list(killed)) >= 3
    await killer.dispose()
    await asyncio.sleep(0.05)
    found = await asyncio.gather(*(database.rows(select(literal(number))) for number in range(6)))
    assert [rows[0][0] for rows in found] == list(range(6))
    assert list(await database.scalars(select(models.Category))) == []
    await database.close()


async def test_a_read_is_one_statement_prepared_once(database_url: str) -> None:
    database = ReadDatabase.connect(database_url, pool_size=1)
    sent = noted(database)
    await database.scalars(*for_ids(users.by_ids, [1], ANONYMOUS))
    await asyncio.sleep(0)
    sent.clear()
    for ids in ([1], [2, 3], list(range(100))):
        await database.scalars(*for_ids(users.by_ids, ids, ANONYMOUS))
    await asyncio.sleep(0)
    assert [one.split()[:2] for one in sent] == [["SELECT", "users.id,"]] * 3, "no BEGIN, no ROLLBACK, no SET"
    runs = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT users.id,%'"
    assert [row[0] for row in await database.by_driver(lambda driver: driver.fetch(runs))] == [4]
    await database.close()


async def test_rows_are_read_as_the_entities_they_are_of(world: World, empty_database_url: str) -> None:
    written = await world.user("ann")
    database = ReadDatabase.connect(empty_database_url, pool_size=1)
    (row,) = await database.scalars(select(models.User))
    assert (row.id, row.username, row.bio, type(row).__name__) == (written.id, "ann", None, "User")
    assert is_a(row, models.User)
    assert is_a(written, models.User)
    assert not is_a(row, models.Post)
    with pytest.raises(AttributeError):
        row.username = "bob"
    assert await database.scalars(select(models.User.id)) == [written.id]
    await database.close()


async def test_a_value_that_does_not_fit_is_not_told(database_url: str) -> None:
    database = ReadDatabase.connect(database_url, pool_size=1)
    with pytest.raises(InvalidValue) as refused:
        await database.rows(select(bindparam("n", type_=BigInteger)), {"n": "a secret"})
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__
    await database.close()


async def test_a_read_that_is_given_up_leaves_its_connection_to_the_next(database_url: str) -> None:
    database = ReadDatabase.connect(database_url, pool_size=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await database.rows(select(func.pg_sleep(30)))
    assert await database.scalars(select(literal(7))) == [7]
    await database.close()


async def test_a_read_goes_on_when_a_migration_changes_what_it_answers(database_url: str) -> None:
    database, migrating = ReadDatabase.connect(database_url, pool_size=1), create_engine(database_url, pool_size=1)
    name = select(models.Category.name)
    assert await database.scalars(name) == []
    async with migrating.begin() as connection:
        await connection.execute(text("ALTER TABLE categories ALTER COLUMN name TYPE varchar(99)"))
    try:
        assert await database.scalars(name) == []
    finally:
        async with migrating.begin() as connection:
            await connection.execute(text("ALTER TABLE categories ALTER COLUMN name TYPE text"))
        await migrating.dispose()
        await database.close()
