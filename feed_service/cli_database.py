"""The database that a command works on."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from feed_service.embedded import postgres
from feed_service.embedded.signals import unwinding
from feed_service.settings import Settings

Result = TypeVar("Result")


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database: the one configured, or the embedded one, started or joined for the block."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with postgres.running(settings.data_dir) as server:
        yield server.dsn


def on_database(work: Callable[[str], Coroutine[Any, Any, Result]]) -> Result:
    with unwinding(), database(Settings.from_environment()) as url:
        return asyncio.run(work(url))
