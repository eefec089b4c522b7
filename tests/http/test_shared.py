"""What processes leave for each other, while others look for it."""

import asyncio

from feed_service.cache import read_through
from feed_service.cache.entries import PERSISTED_TEXTS
from feed_service.http.shared import Shelf


async def test_a_value_is_put_while_somebody_looks_for_it(valkey_url: str) -> None:
    cache = read_through.connect(valkey_url)
    shelf = Shelf(cache, PERSISTED_TEXTS)
    looking = asyncio.create_task(shelf.get("a"))
    await asyncio.sleep(0)
    await shelf.put("a", "{ viewer { user { id } } }")
    assert await looking is None
    assert await shelf.get("a") == "{ viewer { user { id } } }"
    await cache.close()
