"""Advice about what is stored: tables, indexes, vacuum."""

from collections.abc import Iterator

from feed_service.operations import figures
from feed_service.operations.advice import Advice
from feed_service.operations.indexes import Indexes
from feed_service.operations.sizes import Sizes, TableSize
from feed_service.operations.vacuuming import Due, Vacuuming

LARGE_ROWS = 10_000
LARGE_BYTES = 10 * 2**20
"""A table is large if it has so many rows, or a heap of so many bytes."""

SMALL_BYTES = 2**20
"""Of an index of ours."""

LEAST_WHOLE_READS = 10
LEAST_UPDATES = 1_000
LOW_HOT = 0.5
HIGH_BLOAT, LEAST_BLOAT = 0.4, 50 * 2**20
LEAST_DEAD = 1_000


def is_large(table: TableSize) -> bool:
    return (table.rows or 0) >= LARGE_ROWS or (table.heap_bytes or 0) >= LARGE_BYTES


def on_sizes(found: Sizes) -> Iterator[Advice]:
    for table in found.tables:
        yield from _whole_reads(table)
        if (table.updates or 0) >= LEAST_UPDATES and (table.hot_ratio or 0.0) < LOW_HOT:
            yield Advice(
                "notice",
                "sizes",
                f"Updates of {table.title} rewrite its indexes.",
                f"{figures.share(table.hot_ratio)} of {table.updates:,} updates were HOT.",
                "Take indexes off columns that change, or leave room in the pages (fillfactor 80).",
            )
        if (table.bloat_ratio or 0.0) >= HIGH_BLOAT and (table.bloat_bytes or 0) >= LEAST_BLOAT:
            yield Advice(
                "notice",
                "sizes",
                f"{table.title} seems to hold much room that nothing is in.",
                f"{figures.size(table.bloat_bytes)} of {figures.size(table.heap_bytes)}, by an estimate.",
                "Measure it with pgstattuple; then VACUUM more often, or rewrite it with pg_repack.",
            )


def _whole_reads(table: TableSize) -> Iterator[Advice]:
    reads, rows = table.whole_reads or 0, table.rows_of_whole_reads or 0
    if is_large(table) and reads >= LEAST_WHOLE_READS and rows / reads >= LARGE_ROWS:
        yield Advice(
            "warning",
            "sizes",
            f"{table.title} is read as a whole.",
            f"{reads:,} sequential scans of {rows / reads:,.0f} rows each, since the statistics began; "
            f"it has about {table.rows:,} rows.",
            "Find it (Slow statements, most blocks), and give it an index or a LIMIT. Dumps and exports count, too.",
        )


def on_indexes(found: Indexes) -> Iterator[Advice]:
    for index in found.invalid:
        yield Advice(
            "warning",
            "indexes",
            f"{index.title} is not valid: it is kept up, and read by nobody.",
            f"{figures.size(index.bytes)} on {index.table}; no CREATE INDEX is at work on it.",
            f"REINDEX INDEX CONCURRENTLY {quoted(index.schema, index.name)}"
            + (";" if index.is_constraint else f", or DROP INDEX CONCURRENTLY {quoted(index.schema, index.name)};"),
        )
    for each in found.redundant:
        same = "is the same as" if each.is_same else "is the beginning of"
        yield Advice(
            "warning" if each.is_same else "notice",
            "indexes",
            f"{each.index.title} {same} {each.by.title}.",
            f"{figures.size(each.index.bytes)}, {each.index.scans or 0:,} uses; "
            f"the other {figures.size(each.by.bytes)}, "
            f"{each.by.scans or 0:,} uses.{_serves(each.index.serves)}",
            _drop(each.index.schema, each.index.name, each.index.serves),
        )
    yield from _unused(found)
    yield from _unindexed(found)


def _unused(found: Indexes) -> Iterator[Advice]:
    """One line for all small ones of ours: nothing is gained by dropping them."""
    unused = found.unused or ()
    small = [index for index in unused if index.serves and (index.bytes or 0) < SMALL_BYTES]
    for index in (index for index in unused if index not in small):
        yield Advice(
            "notice",
            "indexes",
            f"{index.title} was not used.",
            f"0 uses and {figures.size(index.bytes)}. {found.statistics.told()}{_serves(index.serves)}",
            "Look at the replicas, and wait for what comes once a month; then "
            + _drop(index.schema, index.name, index.serves),
        )
    if small:
        yield Advice(
            "notice",
            "indexes",
            f"{figures.several(len(small), 'small index', 'small indexes')} of the service not used so far.",
            f"Together {figures.size(sum(index.bytes or 0 for index in small))}. {found.statistics.told()}",
            "Nothing: they cost little, and wait for queries that nobody has asked yet. Indexes names them.",
        )


def _serves(query: str | None) -> str:
    return f" It is there for {query}." if query else ""


def _drop(schema: str, name: str, serves: str | None) -> str:
    if serves:
        return f"take it out of the models with a migration, if {serves} does without it."
    return f"DROP INDEX CONCURRENTLY {quoted(schema, name)};"


def _unindexed(found: Indexes) -> Iterator[Advice]:
    for key in found.unindexed:
        if key.rows >= LARGE_ROWS or key.bytes >= LARGE_BYTES:
            deleted = key.deleted_targets
            yield Advice(
                "warning" if deleted else "notice",
                "indexes",
                f"The foreign key {key.name} has no index of its own.",
                f"{key.title} has about {key.rows:,} rows, all read for each row that is deleted in {key.target}: "
                f"{figures.number(deleted)} since the statistics began.",
                f"CREATE INDEX CONCURRENTLY ON {quoted(key.schema, key.table)} "
                f"({', '.join(quoted('public', name) for name in key.column_names)}); or never delete there.",
            )


def quoted(schema: str, name: str) -> str:
    """As PostgreSQL reads it back, whatever the name is."""
    words = [name] if schema == "public" else [schema, name]
    return ".".join(
        word if word.isascii() and word.isidentifier() and word.islower() else '"' + word.replace('"', '""') + '"'
        for word in words
    )


def on_vacuuming(found: Vacuuming) -> Iterator[Advice]:
    if found.worst_age >= 1.5:
        yield Advice(
            "critical",
            "vacuum",
            "VACUUM does not keep up with the numbers of transactions.",
            f"{found.age:,} transactions old, where VACUUM is forced at {found.freeze_at:,}; "
            f"multixacts {found.multixact_age:,} of {found.multixact_freeze_at:,}.",
            "End old transactions and unused slots, then VACUUM (FREEZE) the oldest tables.",
        )
    if not found.is_on:
        yield Advice(
            "critical",
            "vacuum",
            "Autovacuum is off.",
            "The setting autovacuum is off.",
            "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();",
        )
    at_work = {running.table for running in found.running}
    for table in found.tables:
        yield from _on_table(table, is_at_work=table.title in at_work)


def _on_table(table: Due, *, is_at_work: bool) -> Iterator[Advice]:
    name = quoted(table.schema, table.name)
    if table.dead >= LEAST_DEAD and table.dead > 2 * table.threshold and not is_at_work:
        yield Advice(
            "warning",
            "vacuum",
            f"{table.title} holds dead rows that VACUUM has not taken away.",
            f"{table.dead:,} dead rows; autovacuum begins at {table.threshold:,.0f}"
            f"{'' if table.is_on else ', but is off for this table'}.",
            f"See whether an old transaction or a slot holds it up (Connections, Replication); then VACUUM {name};",
        )
    if table.is_never_analysed and table.rows >= 0 and table.dead + table.rows >= LARGE_ROWS:
        yield Advice(
            "warning",
            "vacuum",
            f"{table.title} was never analysed, so that plans on it are guesses.",
            f"About {table.rows:,} rows, and none in pg_stats.",
            f"ANALYZE {name};",
        )
