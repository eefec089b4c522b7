"""Races that are sure to happen: others are kept waiting until all of them wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from tests.world import World

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@asynccontextmanager
async def held(world: World, statement: str, **values: object) -> AsyncIterator[None]:
    """The locks of a statement, until the end of the block, when it is rolled back."""
    async with world.engine.connect() as connection:
        transaction = await connection.begin()
        await connection.execute(text(statement), values)
        try:
            yield
        finally:
            await transaction.rollback()


async def until_waiting(world: World, number: int) -> None:
    """Returns when so many statements wait for locks."""
    async with asyncio.timeout(5), world.engine.connect() as connection:
        while await connection.scalar(WAITING) < number:
            await connection.rollback()
            await asyncio.sleep(0.01)
