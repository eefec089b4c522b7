"""What is exported, in which order, and how to go on behind a line that has arrived: `docs/exports.md`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, DateTime, Select

from feed_service.errors import InvalidCursor
from feed_service.queries.exports import Column, Section

MAX_AFTER = 4_000
"""Characters of a key; the longest of ours have two names and a number."""


@dataclass(frozen=True)
class Source:
    """`name` is that of the file; `header` are the members by which the first line says what follows."""

    name: str
    header: dict[str, Any]
    sections: Sequence[Section]
    is_whole_table: bool = False
    user_id: int | None = None
    """Whose key opens what is sealed."""

    def parts(self, after: str | None) -> list[tuple[Section, Select[str]]]:
        """The lines of each section, from behind the line whose `key` is `after`.

        Raises:
            InvalidCursor: `after` is not the key of a line of this export.
        """
        if after is None:
            return [(section, section.lines()) for section in self.sections]
        kind, *values = _list_of(after)
        for number, section in enumerate(self.sections):
            if section.kind == kind:
                rest = ((later, later.lines()) for later in self.sections[number + 1 :])
                return [(section, section.lines(_key(section, values))), *rest]
        raise unfit()


def _list_of(after: str) -> list[Any]:
    try:
        found = orjson.loads(after) if len(after) <= MAX_AFTER else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not found:
        raise unfit()
    return found


def _key(section: Section, values: list[Any]) -> list[Any]:
    if len(values) != len(section.key):
        raise unfit()
    return [_value(column, value) for column, value in zip(section.key, values, strict=True)]


def _value(column: Column, value: object) -> object:
    """As the driver wants it for this column."""
    if isinstance(column.type, BigInteger) and type(value) is int and -(2**63) <= value < 2**63:
        return value
    if not isinstance(value, str) or "\x00" in value or isinstance(column.type, BigInteger):
        raise unfit()
    return _time(value) if isinstance(column.type, DateTime) else value


def _time(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise unfit() from None
    if moment.tzinfo is None:
        raise unfit()
    return moment


def unfit() -> InvalidCursor:
    return InvalidCursor("`after` must be the `key` of a line of this export, written as it stands there.")
