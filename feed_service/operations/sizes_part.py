"""Tables as they are shown."""

from feed_service.operations import figures
from feed_service.operations.parts import Part, Table
from feed_service.operations.sizes import Sizes, TableSize

SHOWN = 25

NOTES = (
    "Rows are PostgreSQL's estimate (reltuples). Dead rows, updates and whole reads are counted by the statistics.",
    (
        "Bloat is an estimate too: the pages of the heap, less those that the rows would fill by the average widths of "
        "pg_stats and the fillfactor; padding between columns is not counted, so that up to a fifth says nothing. "
        "Without ANALYZE, or without the right to read the table, it is not known."
    ),
)

COLUMNS = (
    "table",
    "#partitions",
    "#whole",
    "#heap",
    "#indexes",
    "#long values",
    "#rows",
    "#dead rows",
    "#bloat (estimate)",
    "#HOT updates",
    "#whole reads",
    "#rows each",
    "vacuumed",
    "analysed",
)


def sizes_part(found: Sizes) -> Part:
    left = found.tables[SHOWN:]
    smaller = f"{len(left):,} smaller tables take {figures.size(sum(table.total_bytes for table in left))}."
    lines = (f"The whole database: {figures.size(found.database_bytes)}.", *NOTES, *([smaller] if left else []))
    table = Table("By size, with their partitions", COLUMNS, [_row(each) for each in found.tables[:SHOWN]])
    return Part("sizes", "Tables", lines, [table])


def _row(table: TableSize) -> tuple[str, ...]:
    bloat = f" ({table.bloat_ratio:.0%})" if table.bloat_ratio else ""
    reads = table.whole_reads
    return (
        table.title + (" (locked: not measured)" if table.is_locked else ""),
        figures.number(table.partitions) if table.partitions else figures.NONE,
        figures.size(None if table.is_locked else table.total_bytes),
        figures.size(table.heap_bytes),
        figures.size(table.index_bytes),
        figures.size(table.toast_bytes),
        figures.number(table.rows),
        figures.number(table.dead),
        f"{figures.size(table.bloat_bytes)}{bloat}",
        figures.share(table.hot_ratio) if table.updates else figures.NONE,
        figures.number(reads),
        figures.number(round((table.rows_of_whole_reads or 0) / reads)) if reads else figures.NONE,
        figures.moment(table.vacuumed_at),
        figures.moment(table.analysed_at),
    )
