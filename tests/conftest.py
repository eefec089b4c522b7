"""The servers and databases of the tests: real PostgreSQL, made by the real migrations.

DATABASE_URL: use that server (its user must be allowed to create databases; only scratch ones are touched).
TEST_POSTGRES_BIN: the folder of the programs for the embedded server, such as /usr/lib/postgresql/15/bin.
"""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import make_url

from feed_service.database import with_driver
from feed_service.embedded import postgres, valkey
from feed_service.migrations import migrate
from tests.scratch import empty, scratch_database
from tests.world import World, world_on


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of the server on which scratch databases are made; not one to write to."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield with_driver(given)
        return
    bin_dir = os.environ.get("TEST_POSTGRES_BIN")
    folder = tmp_path_factory.mktemp("postgres")
    with postgres.running(folder, durable=False, bin_dir=Path(bin_dir) if bin_dir else None) as server:
        yield server.dsn


@pytest_asyncio.fixture(scope="session")
async def template(server_url: str) -> AsyncIterator[str]:
    """The name of a migrated, empty database to copy: a copy takes 0.1 s, the migrations more."""
    async with scratch_database(server_url) as url:
        await migrate(url)
        yield str(make_url(url).database)


@pytest_asyncio.fixture(scope="session")
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """One migrated database for the whole run. Tests that write take `empty_database_url` instead."""
    async with scratch_database(server_url, template) as url:
        yield url


@pytest_asyncio.fixture
async def empty_database_url(database_url: str) -> str:
    """The same database, emptied before this test; ids begin at 1."""
    await empty(database_url)
    return database_url


@pytest_asyncio.fixture
async def world(empty_database_url: str) -> AsyncIterator[World]:
    async with world_on(empty_database_url) as world:
        yield world


@pytest_asyncio.fixture(scope="module")
async def module_database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """A migrated database of the test module's own, to fill once and read many times."""
    async with scratch_database(server_url, template) as url:
        yield url


@pytest_asyncio.fixture
async def bare_database_url(server_url: str) -> AsyncIterator[str]:
    """A database without any table, for the tests of the migrations."""
    async with scratch_database(server_url) as url:
        yield url


class Repeated(logging.Handler):
    """Keeps what the recorder of N+1 says."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if line.startswith("N+1:"):
            self.lines.append(line)


@pytest.fixture(autouse=True)
def repeated() -> Iterator[list[str]]:
    """No operation of any test may run a statement for each row; a test that plants one empties the list."""
    handler, logger = Repeated(), logging.getLogger("feed_service.execution.paths")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)
    assert handler.lines == []


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey.running(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url
