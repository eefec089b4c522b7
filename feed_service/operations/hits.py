"""What was found in memory: PostgreSQL's shared buffers, and the caches of the service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feed_service.operations import figures
from feed_service.operations.asking import Questions, Unknown
from feed_service.operations.parts import Part, Table, Trend
from feed_service.operations.served import Served

LEAST_BLOCKS = 1_000
"""Of a table, before its ratio says anything."""

WORST = 10

HITS = """
    SELECT relid::bigint AS oid, schemaname AS schema, relname AS name,
        heap_blks_hit AS heap_hit, heap_blks_read AS heap_read,
        coalesce(idx_blks_hit, 0) AS index_hit, coalesce(idx_blks_read, 0) AS index_read
    FROM pg_statio_user_tables
"""
BUFFERS = "SELECT setting::bigint * 8192 AS bytes FROM pg_settings WHERE name = 'shared_buffers'"


def ratio(hit: int, read: int) -> float | None:
    return hit / (hit + read) if hit + read else None


@dataclass(frozen=True)
class TableHits:
    """Blocks of 8 kB, since the statistics began."""

    oid: int
    schema: str
    name: str
    heap_hit: int
    heap_read: int
    index_hit: int
    index_read: int

    @property
    def read(self) -> int:
        return self.heap_read + self.index_read

    @property
    def ratio(self) -> float | None:
        return ratio(self.heap_hit + self.index_hit, self.read)


@dataclass(frozen=True)
class Hits:
    """Ratios are None where nothing was read. `worst`: tables with the most blocks read from outside."""

    buffer_bytes: int
    heap_ratio: float | None
    index_ratio: float | None
    blocks: int
    worst: Sequence[TableHits]


async def hits(ask: Questions) -> Hits:
    tables = [TableHits(**row) for row in await ask.rows(HITS)]
    enough = [table for table in tables if table.heap_hit + table.index_hit + table.read >= LEAST_BLOCKS and table.read]
    sums = [
        sum(getattr(table, name) for table in tables) for name in ("heap_hit", "heap_read", "index_hit", "index_read")
    ]
    return Hits(
        (await ask.row(BUFFERS))["bytes"],
        ratio(*sums[:2]),
        ratio(*sums[2:]),
        sum(sums),
        sorted(enough, key=lambda table: -table.read)[:WORST],
    )


def hits_part(found: Hits | Unknown, served: Served | Unknown) -> Part:
    if isinstance(found, Unknown):
        lines, tables = [f"Not known: {found.reason}."], []
    else:
        lines = [
            (
                f"Of {found.blocks:,} blocks of 8 kB since the statistics began, {figures.share(found.heap_ratio)} "
                f"of those of tables and {figures.share(found.index_ratio)} of those of indexes were in shared_buffers "
                f"({figures.size(found.buffer_bytes)}). The others came from the operating system, or the disk."
            )
        ]
        tables = [
            Table(
                "Tables with the most blocks from outside",
                ("table", "#hit ratio", "#from outside", "#hit"),
                [
                    (
                        table.name if table.schema == "public" else f"{table.schema}.{table.name}",
                        figures.share(table.ratio),
                        figures.number(table.read),
                        figures.number(table.heap_hit + table.index_hit),
                    )
                    for table in found.worst
                ],
                f"None with {LEAST_BLOCKS:,} blocks or more.",
            ),
        ]
    return Part("hits", "Hit ratios", [*lines, *_cache_lines(served)], [*tables, *_cache_tables(served)])


def _cache_lines(served: Served | Unknown) -> list[str]:
    if isinstance(served, Unknown):
        return [f"What the service's caches did is not known: {served.reason}."]
    if not served.rows:
        return ["What the service's caches did is not known: no process has told of this window."]
    return [f"Errors of the cache in the window: {served.cache_errors:,}."]


def _cache_tables(served: Served | Unknown) -> list[Table]:
    if isinstance(served, Unknown) or not served.rows:
        return []
    kinds = sorted({outcome for counts in served.caches.values() for outcome in counts} - {"hit", "stale", "miss"})
    return [
        Table(
            "Hit ratio of all entries, over the window",
            ("trend", "#now"),
            [
                (
                    Trend(served.hit_ratios),
                    figures.share(next((it for it in reversed(served.hit_ratios) if it is not None), None)),
                )
            ]
            if any(it is not None for it in served.hit_ratios)
            else [],
        ),
        Table(
            "Entries of the cache",
            ("entry", "#hit ratio", "#hit", "#stale", "#miss", *(f"#{kind}" for kind in kinds)),
            [
                (
                    name,
                    figures.share(entry_ratio(counts)),
                    *(f"{counts.get(kind, 0):,}" for kind in ("hit", "stale", "miss", *kinds)),
                )
                for name, counts in sorted(served.caches.items())
            ],
        ),
        Table(
            "Rows kept by processes",
            ("kind", "#hit ratio", "#hits", "#misses", "#not looked for", "#dropped"),
            [
                (
                    name,
                    figures.share(ratio(counts.get("hits", 0), counts.get("misses", 0))),
                    *(f"{counts.get(kind, 0):,}" for kind in ("hits", "misses", "passed", "dropped")),
                )
                for name, counts in sorted(served.entities.items())
            ],
        ),
    ]


def entry_ratio(counts: Mapping[str, int]) -> float | None:
    """Of what was asked: fresh values, and that there is none, are hits."""
    return ratio(counts.get("hit", 0) + counts.get("negative", 0), counts.get("stale", 0) + counts.get("miss", 0))
