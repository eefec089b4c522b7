"""What an import, a seed or the demo set has done, as the command line prints it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from feed_service.errors import FeedError

Progress = Callable[[str, int, int], None]
"""Called with (what is being loaded, rows done, rows in all), at most once for some thousands of rows."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out. Lines count from 1 and the header is one of them."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


class RowRefused(FeedError):
    """A row that cannot be stored, met by an import that was told to stop at the first; nothing was imported."""

    code = "ROW_REFUSED"
    http_status = 400


@dataclass(slots=True)
class Tally:
    """Rows of one kind: read from the input, written to the tables, skipped because they were there already, bad."""

    read: int = 0
    written: int = 0
    skipped: int = 0
    bad: int = 0


@dataclass
class Report:
    """`unused` counts the rows of what has no place here, by file."""

    kinds: dict[str, Tally] = field(default_factory=dict)
    bad_rows: list[BadRow] = field(default_factory=list)
    unused: dict[str, int] = field(default_factory=dict)

    def kind(self, name: str) -> Tally:
        return self.kinds.setdefault(name, Tally())

    @property
    def written(self) -> int:
        return sum(tally.written for tally in self.kinds.values())

    def lines(self) -> list[str]:
        """The report for people: a table of the kinds, what was not used, and whether anything changed."""
        rows: list[tuple[str, ...]] = [("", "read", "written", "skipped", "bad")]
        rows += [(name, *map(str, (t.read, t.written, t.skipped, t.bad))) for name, t in self.kinds.items()]
        width = max(len(row[0]) for row in rows)
        table = [f"{row[0]:<{width}}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows]
        unused = [f"not used: {name} ({count} rows)" for name, count in self.unused.items()]
        return table + unused + ([] if self.written else ["Nothing changed: every row was there already."])
