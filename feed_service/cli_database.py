"""The database that a command works on, and the cache that several workers share."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from feed_service.embedded import postgres, valkey
from feed_service.embedded.errors import ServerBinariesMissing
from feed_service.embedded.signals import unwinding
from feed_service.settings import Settings

Result = TypeVar("Result")

log = logging.getLogger(__name__)


@contextmanager
def database(settings: Settings, connections: int = 0) -> Iterator[str]:
    """The URL of the database: the one configured, or the embedded one, started or joined for the block.

    The embedded one is started with room for so many `connections`.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with postgres.running(settings.data_dir, connections=connections) as server:
        yield server.dsn


@contextmanager
def cache(settings: Settings, workers: int) -> Iterator[str]:
    """The URL of the cache: for several workers an embedded one, started for the block, unless one is configured."""
    if workers == 1 or not settings.cache_url.startswith("memory://"):
        yield settings.cache_url
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(valkey.running(settings.data_dir / "cache")).url
        except ServerBinariesMissing as error:
            log.warning("The workers share no cache, and freeze rankings of their own: set CACHE_URL. %s", error)
            url = settings.cache_url
        yield url


def on_database(work: Callable[[str], Coroutine[Any, Any, Result]]) -> Result:
    with unwinding(), database(Settings.from_environment()) as url:
        return asyncio.run(work(url))
