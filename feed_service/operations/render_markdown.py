"""A report in Markdown, for an issue or a page."""

import re
from collections.abc import Iterator, Sequence

from feed_service.operations.figures import bars
from feed_service.operations.parts import Cell, Part, Table, Trend

# What Markdown or HTML would take for its own: names may hold anything.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


def markdown(title: str, about: str, parts: Sequence[Part]) -> str:
    return (
        "\n".join([f"# {escaped(title)}", "", escaped(about), *(line for part in parts for line in _part(part))]) + "\n"
    )


def escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _part(part: Part) -> Iterator[str]:
    yield from ("", f"## {escaped(part.title)}", "")
    for line in part.lines:
        yield from (escaped(line), "")
    for table in part.tables:
        yield from (f"### {escaped(table.title)}", "")
        yield from _table(table) if table.rows else [escaped(table.empty)]
        yield ""


def _table(table: Table) -> Iterator[str]:
    yield _row([name.removeprefix("#") for name in table.columns])
    yield "|" + "|".join("---:" if name.startswith("#") else "---" for name in table.columns) + "|"
    for row in table.rows:
        yield _row(row)


def _row(cells: Sequence[Cell]) -> str:
    return "| " + " | ".join(bars(cell) if isinstance(cell, Trend) else escaped(cell) for cell in cells) + " |"
