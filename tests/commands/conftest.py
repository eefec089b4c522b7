"""A small world that commands may change: emptied before each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from feed_service.commands.transaction import Writer
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS
from tests.api import Api, api_on


@pytest_asyncio.fixture
async def api(empty_database_url: str) -> AsyncIterator[Api]:
    async with api_on(empty_database_url) as api:
        yield api


@pytest_asyncio.fixture
async def writer(empty_database_url: str) -> AsyncIterator[Writer]:
    database = WriteDatabase.connect(empty_database_url)
    yield Writer(database, ANONYMOUS, "test")
    await database.close()
