"""A site whose loaders read more or less of each post than was asked for, or one row at a time."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from benchmarks.optimisations.site import Site
from feed_service.loaders import feeds, posts, users
from feed_service.loaders.batching import Loaders, Reader
from feed_service.schema.context import Context

Parts = Callable[[frozenset[str]], frozenset[str]]
"""From the parts of a post that are wanted (`queries.posts.PARTS`) to those that are read."""


class Apart(Loaders):
    """`parts`: see there. `is_one_by_one`: each key is a call of its own, and waits for the one before it."""

    def __init__(self, reader: Reader, parts: Parts, *, is_one_by_one: bool) -> None:
        super().__init__(reader)
        self.parts, self.is_one_by_one = parts, is_one_by_one

    async def many(self, batch: Any, keys: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401 - as those of any batch.
        if batch is feeds.pages:
            keys = [replace(key, posts=key.posts if key.posts is None else self.parts(key.posts)) for key in keys]
        elif batch is posts.by_id and args:
            args = (self.parts(args[0]), *args[1:])
        if not self.is_one_by_one:
            return await super().many(batch, keys, *args, **kwargs)
        return [answer for key in keys for answer in await super(Apart, self).many(batch, [key], *args, **kwargs)]


def reading(site: Site, parts: Parts, *, is_one_by_one: bool = False) -> Callable[[], AbstractContextManager[Any]]:
    """A change for `Site.side`: its loaders are such ones."""

    def change(context: Context) -> None:
        context.loaders = Apart(context.loaders.reader, parts, is_one_by_one=is_one_by_one)

    return partial(site.dressed, change)


def authors_apart() -> AbstractContextManager[Any]:
    """A change for `Site.side`: no author comes beside a row."""
    return patch.object(users, "are_beside", lambda *_: False)
