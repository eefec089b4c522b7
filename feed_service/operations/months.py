"""The monthly partitions: which there are, which are missing ahead, and whether rows went where they should not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feed_service.models.partitions import AHEAD, MONTHLY, Partition, missing
from feed_service.operations import figures
from feed_service.operations.asking import Questions
from feed_service.operations.parts import Part, Table
from feed_service.queries import partitions
from feed_service.transactions import compiled

LISTED = compiled(partitions.listed())


@dataclass(frozen=True)
class Missing:
    """A month, such as 2026-12, for which a table should have a partition by now."""

    table_name: str
    month: str


@dataclass(frozen=True)
class Months:
    partitions: Sequence[Partition]
    missing: Sequence[Missing]

    def end_of(self, table_name: str) -> datetime | None:
        return max(
            (part.ends_at for part in self.partitions if part.table_name == table_name and part.ends_at), default=None
        )

    @property
    def misplaced(self) -> Sequence[Partition]:
        """Default partitions that hold rows: there was no other for these."""
        return [part for part in self.partitions if part.is_default and (part.rows or part.heap_bytes)]


async def months(ask: Questions) -> Months:
    now = (await ask.row("SELECT now() AS at"))["at"]
    found = [Partition(**row) for row in await ask.rows(LISTED.text)]
    absent = [Missing(one.table, f"{month.year:04}-{month.number:02}") for one, month in missing(found, now)]
    return Months(found, absent)


def months_part(found: Months) -> Part:
    lines = [
        f"Tables by months: {', '.join(one.table for one in MONTHLY)}, each with partitions {AHEAD} months ahead.",
        "Missing: " + (", ".join(f"{it.table_name} {it.month}" for it in found.missing) or "none") + ".",
    ]
    columns = ("table", "partition", "from", "before", "#rows (estimate)", "#size")
    rows = [
        (
            it.table_name,
            it.name,
            "the rest" if it.is_default else figures.moment(it.begins_at, "the beginning"),
            figures.NONE if it.is_default else figures.moment(it.ends_at, "the end"),
            figures.number(it.rows),
            figures.size(it.bytes),
        )
        for it in found.partitions
    ]
    return Part("partitions", "Partitions", lines, [Table("By table and time", columns, rows)])
