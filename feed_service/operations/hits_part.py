"""Hit ratios as they are shown: PostgreSQL's, and those of the service."""

from collections.abc import Mapping

from feed_service.operations import figures
from feed_service.operations.asking import Unknown
from feed_service.operations.hits import LEAST_BLOCKS, Hits, ratio
from feed_service.operations.index_rows import shown
from feed_service.operations.parts import Part, Table, Trend
from feed_service.operations.served import Served

OUTCOMES = ("hit", "stale", "miss")
OF_PROCESSES = ("hits", "misses", "passed", "dropped")


def hits_part(found: Hits | Unknown, served: Served | Unknown) -> Part:
    if isinstance(found, Unknown):
        lines, tables = [f"Not known: {found.reason}."], []
    else:
        lines, tables = [_told(found)], [_worst(found)]
    if isinstance(served, Unknown) or not served.rows:
        reason = served.reason if isinstance(served, Unknown) else "no process has told of this window"
        return Part("hits", "Hit ratios", [*lines, f"What the service's caches did is not known: {reason}."], tables)
    lines.append(f"Errors of the service's cache in the window: {served.cache_errors:,}.")
    return Part("hits", "Hit ratios", lines, [*tables, _trend(served), _entries(served), _rows(served)])


def _told(found: Hits) -> str:
    return (
        f"Of {found.blocks:,} blocks of 8 kB since the statistics began, {figures.share(found.heap_ratio)} of those of "
        f"tables and {figures.share(found.index_ratio)} of those of indexes were in shared_buffers "
        f"({figures.size(found.buffer_bytes)}). The others came from the operating system, or the disk."
    )


def _worst(found: Hits) -> Table:
    rows = [
        (
            shown(table.schema, table.name),
            figures.share(table.ratio),
            figures.number(table.read),
            figures.number(table.heap_hit + table.index_hit),
        )
        for table in found.worst
    ]
    columns = ("table", "#hit ratio", "#from outside", "#hit")
    return Table("Tables with the most blocks from outside", columns, rows, f"None of {LEAST_BLOCKS:,} blocks or more.")


def _trend(served: Served) -> Table:
    known = [value for value in served.hit_ratios if value is not None]
    rows = [(Trend(served.hit_ratios), figures.share(known[-1]))] if known else []
    return Table(
        "Hit ratio of all entries, over the window", ("trend", "#now"), rows, "Nothing was asked of the cache."
    )


def _entries(served: Served) -> Table:
    kinds = [*OUTCOMES, *sorted({kind for counts in served.caches.values() for kind in counts} - set(OUTCOMES))]
    rows = [
        (name, figures.share(entry_ratio(counts)), *(f"{counts.get(kind, 0):,}" for kind in kinds))
        for name, counts in sorted(served.caches.items())
    ]
    return Table("Entries of the cache", ("entry", "#hit ratio", *(f"#{kind}" for kind in kinds)), rows)


def _rows(served: Served) -> Table:
    rows = [
        (
            name,
            figures.share(ratio(counts.get("hits", 0), counts.get("misses", 0))),
            *(f"{counts.get(kind, 0):,}" for kind in OF_PROCESSES),
        )
        for name, counts in sorted(served.entities.items())
    ]
    columns = ("kind", "#hit ratio", "#hits", "#misses", "#not looked for", "#dropped")
    return Table("Rows kept by processes", columns, rows)


def entry_ratio(counts: Mapping[str, int]) -> float | None:
    """Of what was asked: fresh values, and that there is none, are hits."""
    return ratio(counts.get("hit", 0) + counts.get("negative", 0), counts.get("stale", 0) + counts.get("miss", 0))
