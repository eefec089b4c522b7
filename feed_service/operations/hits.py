"""What was found in memory: PostgreSQL's shared buffers, and the caches of the service."""

from collections.abc import Sequence
from dataclasses import dataclass

from feed_service.operations.asking import Questions

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
