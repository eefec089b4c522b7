"""What is written behind a key: JSON that says which key it is for and how old it is. Never a pickle."""

import time
from typing import Any, NamedTuple

import orjson

from feed_service.cache.entries import Entry

TOMBSTONE = b"dropped"
"""Written over a value that a commit has made old; it keeps readers from putting the old value back."""


class Kept(NamedTuple):
    value: Any
    is_stale: bool


class Rubbish(Exception):
    """Not what this service wrote for this key."""


def sealed(name: str, value: object, at_ms: int, stale_at_ms: int) -> bytes:
    """`at_ms`: when the load of the value began, by the clock of this machine, in milliseconds since 1970."""
    return orjson.dumps([name, at_ms, stale_at_ms, value])


def opened(entry: Entry, name: str, kept: bytes, looked_at_ms: int) -> Kept | None:
    """None for a value that has outlived its lifetime: a server that was frozen may hand one out.

    The name is kept with the value, so that an answer meant for another key can never be taken for this one's.

    Raises:
        Rubbish
    """
    try:
        named, at_ms, stale_at_ms, value = orjson.loads(kept)
        if named != name or not (value is None or entry.is_valid(value)):
            raise Rubbish
        life_s = entry.negative_s if value is None else entry.ttl_s
        return Kept(value, looked_at_ms >= stale_at_ms) if looked_at_ms < at_ms + life_s * 1_000 else None
    except (ValueError, TypeError) as error:
        raise Rubbish from error


def now_ms() -> int:
    """By the clock of this machine, since 1970."""
    return int(time.time() * 1_000)
