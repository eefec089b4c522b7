"""A database that bulks may write to."""

from collections.abc import AsyncIterator

import pytest_asyncio

from feed_service.transactions import WriteDatabase


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url)
    yield database
    await database.close()
