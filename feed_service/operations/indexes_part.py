"""Indexes as they are shown."""

from collections.abc import Sequence

from feed_service.operations import figures
from feed_service.operations.index_rows import Index
from feed_service.operations.indexes import LEAST_AGE, Indexes
from feed_service.operations.parts import Part, Table

LARGEST = 10
COLUMNS = ("index", "table", "#size", "#uses", "last used", "serves", "definition")


def indexes_part(found: Indexes) -> Part:
    lines = [
        f"{found.number:,} indexes take {figures.size(found.bytes)}. {found.statistics.told()}",
        "Uses on replicas are counted there, and not seen here: look at them before you drop an index.",
    ]
    if found.left_out:
        lines.append(f"Not looked at, for somebody has locked them: {figures.listed(found.left_out, 10)}.")
    if found.unused is None:
        least = figures.duration(LEAST_AGE)
        lines.append(f"Unused indexes are not judged: it takes statistics of {least} at least.")
    unused = [_row(index) for index in found.unused or ()]
    largest = sorted(found.all, key=lambda index: -(index.bytes or 0))[:LARGEST]
    tables = (
        Table("Unused", COLUMNS, unused, "Not judged." if found.unused is None else "None."),
        _redundant(found),
        Table("Not valid", COLUMNS, [_row(index) for index in found.invalid]),
        _unindexed(found),
        Table("The largest", COLUMNS, [_row(index) for index in largest]),
    )
    return Part("indexes", "Indexes", lines, tables)


def _row(index: Index) -> tuple[str, ...]:
    return (
        index.title,
        index.table,
        figures.size(index.bytes),
        figures.number(index.scans),
        figures.moment(index.last_used_at, figures.NOT_KNOWN if index.scans else "never"),
        index.serves or ("a constraint" if index.is_constraint else "not one of ours"),
        index.definition,
    )


def _redundant(found: Indexes) -> Table:
    columns = ("index", "because of", "#size", "#uses", "#uses of the other", "serves", "definition")
    rows = [
        (
            each.index.title,
            f"{each.by.title} ({'the same' if each.is_same else 'begins with it'})",
            figures.size(each.index.bytes),
            figures.number(each.index.scans),
            figures.number(each.by.scans),
            each.index.serves or figures.NONE,
            each.index.definition,
        )
        for each in found.redundant
    ]
    return Table("There twice, or the beginning of another", columns, rows)


def _unindexed(found: Indexes) -> Table:
    columns = (
        "columns",
        "foreign key",
        "points to",
        "#rows (estimate)",
        "#rows deleted there",
        "indexes of a part of the rows",
    )
    rows = [
        (
            key.title,
            key.name,
            key.target,
            figures.number(key.rows),
            figures.number(key.deleted_targets),
            figures.listed(_partial(found.all, set(key.columns), key.table_oid)) or figures.NONE,
        )
        for key in found.unindexed
    ]
    return Table("Foreign keys without an index", columns, rows)


def _partial(every: Sequence[Index], columns: set[int], table_oid: int) -> list[str]:
    """Indexes that begin with the columns, and lack some rows."""
    return [
        index.title
        for index in every
        if index.table_oid == table_oid and index.predicate and set(index.keys[: len(columns)]) == columns
    ]
