"""A small world that commands may change: emptied before each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.api import Api, api_on


@pytest_asyncio.fixture
async def api(empty_database_url: str) -> AsyncIterator[Api]:
    async with api_on(empty_database_url) as api:
        yield api
