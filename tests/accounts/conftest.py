"""An empty world, and a front-end to it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.accounts.front import Front, front_on


@pytest_asyncio.fixture
async def front(empty_database_url: str) -> AsyncIterator[Front]:
    async with front_on(empty_database_url) as front:
        yield front
