"""A report for the terminal: tables with columns side by side, long cells in several lines."""

import textwrap
from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from feed_service.operations.figures import bars
from feed_service.operations.parts import Part, Table, Trend

NARROWEST = 12
GAP = "  "


def terminal(title: str, about: str, parts: Sequence[Part], width: int) -> str:
    """Lines of at most `width` columns, where the figures leave room for it."""
    return "\n".join([title, about, *(line for part in parts for line in _part(part, width))]) + "\n"


def _part(part: Part, width: int) -> Iterator[str]:
    yield from ("", f"{part.title} [{part.name}]", "=" * len(f"{part.title} [{part.name}]"))
    for line in part.lines:
        yield from textwrap.wrap(printable(line), width) or [""]
    for table in part.tables:
        yield ""
        if not table.rows:
            yield f"{table.title}: {table.empty}"
        else:
            yield f"{table.title}:"
            yield from _table(table, width)


def _table(table: Table, width: int) -> Iterator[str]:
    heads = [name.removeprefix("#") for name in table.columns]
    rows = [[bars(cell) if isinstance(cell, Trend) else printable(cell) for cell in row] for row in table.rows]
    right = [name.startswith("#") for name in table.columns]
    widths = _widths([heads, *rows], right, width)
    for cells in (heads, ["-" * each for each in widths], *rows):
        wrapped = [_wrapped(cell, each) for cell, each in zip(cells, widths, strict=True)]
        for number in range(max(map(len, wrapped))):
            lines = [cell[number] if number < len(cell) else "" for cell in wrapped]
            told = (_padded(*each) for each in zip(lines, widths, right, strict=True))
            yield GAP.join(told).rstrip()


def printable(text: str) -> str:
    """Names may hold anything: what would steer the terminal is shown, not sent."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _widths(rows: Sequence[Sequence[str]], right: Sequence[bool], width: int) -> list[int]:
    """What each column wants; where that is too much, the widest ones of words give way."""
    widths = [max(1, *map(_length, column)) for column in zip(*rows, strict=True)]
    while sum(widths) + len(GAP) * (len(widths) - 1) > width:
        words = [at for at, is_right in enumerate(right) if not is_right and widths[at] > NARROWEST]
        if not words:
            break
        widths[max(words, key=lambda at: widths[at])] -= 1
    return widths


def _wrapped(cell: str, width: int) -> list[str]:
    return [cell] if _length(cell) <= width else textwrap.wrap(cell, width)


def _length(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, is_right: bool) -> str:
    room = " " * max(0, width - _length(text))
    return room + text if is_right else text + room
