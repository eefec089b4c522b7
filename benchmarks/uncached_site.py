"""The service, but nothing is kept from one request to the next: what `make bench-polling` holds the caches against."""

import gc
import os

from feed_service import serving
from feed_service.cache.backends import Item
from feed_service.cache.memory import BoundedMemory
from feed_service.http.answers import Answers, Body, Question
from feed_service.settings import Settings


async def never(_: Answers, __: Question) -> Body | None:
    """No body is sent again."""
    return None


def nothing(_: Answers, __: Question, ___: bytes) -> bool:
    """No body is kept."""
    return False


def nowhere(_: BoundedMemory, __: Item) -> None:
    """As aiocache does with AIOCACHE_DISABLE=1, for the memory that stands in for Redis."""


def main() -> None:
    """As `feed-service serve` on any free port. With AIOCACHE_DISABLE=1 in the environment, numbers are not kept."""
    Answers.body = never  # type: ignore[assignment, method-assign]
    Answers._is_worth_keeping = nothing  # type: ignore[assignment, method-assign]  # noqa: SLF001 - who decides it.
    if os.environ.get("AIOCACHE_DISABLE") == "1":
        BoundedMemory._put = nowhere  # type: ignore[assignment, method-assign]  # noqa: SLF001 - its only door.
    gc.freeze()  # As the command does.
    serving.serve(Settings.from_environment(), 1)


if __name__ == "__main__":
    main()
