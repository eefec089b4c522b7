"""The service, but nothing is kept from one request to the next: what `make bench-polling` holds the caches against."""

import gc

from feed_service import serving
from feed_service.http.answers import Answers, Body, Question
from feed_service.settings import Settings


async def never(_: Answers, __: Question) -> Body | None:
    """No body is sent again."""
    return None


def main() -> None:
    """As `feed-service serve` on any free port. With AIOCACHE_DISABLE=1 in the environment, numbers are not kept."""
    Answers.body = never  # type: ignore[assignment, method-assign]
    gc.freeze()  # As the command does.
    serving.serve(Settings.from_environment(), 1)


if __name__ == "__main__":
    main()
