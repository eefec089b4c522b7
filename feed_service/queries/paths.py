"""Ranges of a thread: a comment's path is a prefix of the paths below it."""

from sqlalchemy import ColumnElement, LargeBinary, literal
from sqlalchemy.orm import InstrumentedAttribute

Path = ColumnElement[bytes] | InstrumentedAttribute[bytes]

BEYOND = literal(b"\xff", LargeBinary)
"""Sorts after every step of a path: their first byte stays below 0xff for two million years."""


def subtree_end(path: Path) -> ColumnElement[bytes]:
    """The first value after `path` and everything below it."""
    return path.concat(BEYOND)
