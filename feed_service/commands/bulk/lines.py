"""Lines of NDJSON on their way in, outcomes on their way out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import orjson

Item = TypeVar("Item")

MOST_LINE_BYTES = 100_000
AT_A_STRETCH = 500
"""Rows that Python works on before others get their turn: some milliseconds."""

MOST_ID = 2**63 - 1

REFUSED = "refused"


class Outcome(NamedTuple):
    """What became of a line. `id` is the row it is about; `reason` is a code, told when the line was refused."""

    line: int
    outcome: str
    id: int | None = None
    reason: str | None = None
    message: str | None = None


class Row(NamedTuple):
    """`line` is its number in the file, from 1."""

    line: int
    fields: dict[str, Any]


Check = Callable[[Any], bool]


class Fields(NamedTuple):
    """What a row may have, each with what its value must be, and what it must have."""

    checks: Mapping[str, Check]
    required: frozenset[str] = frozenset()


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_text_or_null(value: object) -> bool:
    return value is None or isinstance(value, str)


def is_id(value: object) -> bool:
    return type(value) is int and 0 < value <= MOST_ID


def is_name_or_id(value: object) -> bool:
    return isinstance(value, str) or is_id(value)


def refused(line: int, reason: str, message: str, subject_id: int | None = None) -> Outcome:
    return Outcome(line, REFUSED, subject_id, reason, message)


async def in_turns(items: Sequence[Item]) -> AsyncIterator[Sequence[Item]]:
    """All of them, some at a time: whoever sent a request meanwhile does not wait for the rest."""
    for start in range(0, len(items), AT_A_STRETCH):
        yield items[start : start + AT_A_STRETCH]
        await asyncio.sleep(0)


def read(fields: Fields, first_line: int, lines: Iterable[bytes]) -> tuple[list[Row], list[Outcome]]:
    """The rows that can be understood, and the refusals of the others. Empty lines are neither."""
    rows: list[Row] = []
    refusals: list[Outcome] = []
    for number, line in enumerate(lines, start=first_line):
        if line and not line.isspace():
            found = _row(fields, number, line)
            if isinstance(found, Row):
                rows.append(found)
            else:
                refusals.append(found)
    return rows, refusals


def _row(fields: Fields, number: int, line: bytes) -> Row | Outcome:
    if len(line) > MOST_LINE_BYTES:
        return refused(number, "TOO_LONG", f"A line has {MOST_LINE_BYTES:,} bytes or less.")
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return refused(number, "MALFORMED", "The line is not JSON in UTF-8.")
    if not isinstance(row, dict):
        return refused(number, "MALFORMED", "The line is not a JSON object.")
    if b"\\u0000" in line and any(isinstance(value, str) and "\0" in value for value in row.values()):
        return refused(number, "INVALID", "A text must not hold the character NUL.")
    return _checked(fields, Row(number, row))


def _checked(fields: Fields, row: Row) -> Row | Outcome:
    for name, value in row.fields.items():
        check = fields.checks.get(name)
        if check is None:
            return refused(row.line, "UNKNOWN_FIELD", f"There is no field {name[:40]!r} here.")
        if not check(value):
            return refused(row.line, "INVALID", f"The value of {name} is none that it can have.")
    if not fields.required <= row.fields.keys():
        missing = ", ".join(sorted(fields.required - row.fields.keys()))
        return refused(row.line, "MISSING_FIELD", f"The row needs {missing}.")
    return row


def written(outcomes: Sequence[Outcome]) -> bytes:
    """One line of NDJSON for each; `reason` and `message` only of lines that were refused."""
    return b"".join(
        orjson.dumps(
            one._asdict() if one.reason else {"line": one.line, "outcome": one.outcome, "id": one.id},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for one in outcomes
    )
