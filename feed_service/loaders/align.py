"""Rows sorted back to the keys that asked for them."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Key = TypeVar("Key")
Row = TypeVar("Row")


def one_per_key(keys: Sequence[Key], rows: Sequence[Row], key: Callable[[Row], Key]) -> list[Row | None]:
    """The row of each key, in the order of the keys; None where there is none."""
    found = dict(zip(map(key, rows), rows, strict=True))
    return list(map(found.get, keys))


def many_per_key(keys: Sequence[Key], rows: Iterable[Row], key: Callable[[Row], Key]) -> list[list[Row]]:
    """The rows of each key in the order they came in, in the order of the keys."""
    found: dict[Key, list[Row]] = {wanted: [] for wanted in keys}
    for row in rows:
        found[key(row)].append(row)
    return [found[wanted] for wanted in keys]
