"""Names of the statements that stand in our modules, for those that no serving process has told of: work by jobs."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from feed_service.fingerprints import fingerprint
from feed_service.statements import Statement

DEPTH = 4
"""A constant may hold its statements in rows of a table."""


@lru_cache(1)
def known_statements() -> dict[str, str]:
    """By fingerprint, as commands.jobs.CLAIM-1a2b3c4d, of all modules that this process has imported."""
    found: dict[str, str] = {}
    for module in [name for name in sys.modules if name.startswith("feed_service.")]:
        for name, value in list(vars(sys.modules[module]).items()):
            for statement in _within(value, DEPTH):
                key = fingerprint(statement.text)
                found.setdefault(key, f"{module.removeprefix('feed_service.')}.{name}-{key}")
    return found


def _within(value: Any, depth: int) -> Iterator[Statement]:  # noqa: ANN401 - whatever a module holds.
    if isinstance(value, Statement):
        yield value
    elif depth:
        for inner in _parts(value):
            yield from _within(inner, depth - 1)


def _parts(value: Any) -> Iterable[Any]:  # noqa: ANN401 - whatever a module holds.
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, tuple | list):
        return value
    is_ours = type(value).__module__.startswith("feed_service.") and not isinstance(value, type)
    return list(getattr(value, "__dict__", {}).values()) if is_ours else ()
