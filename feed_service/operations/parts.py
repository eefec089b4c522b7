"""What a report is shown as, whatever it is written in: parts of sentences and tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Trend:
    """A line of figures over time, oldest first; None where nothing was measured."""

    values: Sequence[float | None]


Cell = str | Trend


@dataclass(frozen=True)
class Table:
    """`columns`: one that begins with `#` is of figures, set to the right. `empty` is said if there is no row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "None."


@dataclass(frozen=True)
class Part:
    """`name` is what advice refers to."""

    name: str
    title: str
    lines: Sequence[str] = ()
    tables: Sequence[Table] = field(default_factory=tuple)
