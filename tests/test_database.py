"""Reads go on when PostgreSQL cuts their connections off."""

import asyncio

from sqlalchemy import func, literal, make_url, select, text

from feed_service import models
from feed_service.database import ReadDatabase, create_engine


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
