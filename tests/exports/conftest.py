"""Connections for exports, to the database that each test finds empty."""

from collections.abc import AsyncIterator

import pytest_asyncio

from feed_service.exports.stream import ExportDatabase


@pytest_asyncio.fixture
async def exports(empty_database_url: str) -> AsyncIterator[ExportDatabase]:
    database = ExportDatabase.connect(empty_database_url)
    yield database
    await database.close()
