"""Tables by size: heap, indexes and long values apart, dead rows, updates in place, and reads of whole tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feed_service.operations.asking import LOCKED, Questions

MOST = 200

PLACES = f"""
    WITH locked AS ({LOCKED}),
    place AS (
        SELECT each.oid, each.relkind, each.relpages, each.reltuples, each.reltoastrelid, each.reloptions,
            CASE WHEN each.relispartition THEN pg_partition_root(each.oid)::oid ELSE each.oid END AS root,
            each.oid IN (SELECT relation FROM locked) AS is_locked
        FROM pg_class AS each JOIN pg_namespace AS space ON space.oid = each.relnamespace
        WHERE each.relkind IN ('r', 'm', 'p') AND each.relpersistence <> 't'
          AND space.nspname <> 'information_schema' AND space.nspname NOT LIKE 'pg\\_%'
    )
"""  # noqa: S608 - of constants.
"""Every table of users, and what it is a partition of."""

# Fits as many rows of the average width, after its columns' statistics, into pages filled as far as the table wants.
BLOAT = """
    SELECT sum(CASE WHEN width.columns = width.known AND place.relpages > 0 AND place.reltuples >= 0 THEN
        greatest(0, place.relpages - ceil(place.reltuples / greatest(1, floor(
            (8192 - 24) * coalesce((SELECT option_value::float8 FROM pg_options_to_table(place.reloptions)
                WHERE option_name = 'fillfactor'), 100) / 100
            / (4 + 24 + 8 * ceil((width.columns / 8.0 + width.bytes) / 8)))))) * 8192 END)::bigint AS bloat
    FROM (
        SELECT count(*) AS columns, count(stats.avg_width) AS known,
            sum((1 - stats.null_frac) * stats.avg_width)::float8 AS bytes
        FROM pg_attribute AS attribute
        JOIN pg_class AS class ON class.oid = attribute.attrelid
        JOIN pg_namespace AS space ON space.oid = class.relnamespace
        LEFT JOIN pg_stats AS stats ON stats.schemaname = space.nspname AND stats.tablename = class.relname
            AND stats.attname = attribute.attname AND NOT stats.inherited
        WHERE attribute.attrelid = place.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
    ) AS width
"""

SIZES = f"""
    {PLACES}, measured AS (
        SELECT place.*,
            CASE WHEN NOT is_locked AND relkind <> 'p' THEN pg_table_size(oid) END AS table_bytes,
            CASE WHEN NOT is_locked AND relkind <> 'p' THEN pg_indexes_size(oid) END AS index_bytes,
            CASE WHEN NOT is_locked AND reltoastrelid <> 0 THEN pg_total_relation_size(reltoastrelid) ELSE 0 END
                AS toast_bytes,
            bloat.bloat
        FROM place LEFT JOIN LATERAL ({BLOAT}) AS bloat ON place.relkind <> 'p'
    )
    SELECT root::bigint AS oid, space.nspname AS schema, parent.relname AS name,
        count(*) FILTER (WHERE measured.relkind <> 'p' AND measured.oid <> root) AS partitions,
        bool_or(is_locked) AS is_locked,
        sum(table_bytes - toast_bytes)::bigint AS heap_bytes, sum(toast_bytes)::bigint AS toast_bytes,
        sum(index_bytes)::bigint AS index_bytes, sum(bloat)::bigint AS bloat_bytes,
        sum(CASE WHEN measured.relkind = 'p' THEN 0 WHEN measured.reltuples >= 0 THEN measured.reltuples
            ELSE stat.n_live_tup END)::bigint AS rows,
        sum(stat.n_dead_tup)::bigint AS dead, sum(stat.n_tup_upd)::bigint AS updates,
        sum(stat.n_tup_hot_upd)::bigint AS hot_updates,
        sum(stat.seq_scan)::bigint AS whole_reads, sum(stat.seq_tup_read)::bigint AS rows_of_whole_reads,
        max(greatest(stat.last_vacuum, stat.last_autovacuum)) AS vacuumed_at,
        max(greatest(stat.last_analyze, stat.last_autoanalyze)) AS analysed_at
    FROM measured
    JOIN pg_class AS parent ON parent.oid = measured.root
    JOIN pg_namespace AS space ON space.oid = parent.relnamespace
    LEFT JOIN pg_stat_all_tables AS stat ON stat.relid = measured.oid AND measured.relkind <> 'p'
    GROUP BY root, space.nspname, parent.relname
    ORDER BY sum(measured.relpages) DESC, parent.relname LIMIT {MOST}
"""  # noqa: S608 - of constants.


@dataclass(frozen=True)
class TableSize:
    """A table with all its partitions, in bytes. `rows` are an estimate, `bloat_bytes` a rougher one.

    `whole_reads` and `rows_of_whole_reads` are sequential scans, since the statistics began.
    """

    oid: int
    schema: str
    name: str
    partitions: int
    is_locked: bool
    heap_bytes: int | None
    toast_bytes: int | None
    index_bytes: int | None
    bloat_bytes: int | None
    rows: int | None
    dead: int | None
    updates: int | None
    hot_updates: int | None
    whole_reads: int | None
    rows_of_whole_reads: int | None
    vacuumed_at: datetime | None
    analysed_at: datetime | None

    @property
    def title(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def total_bytes(self) -> int:
        return (self.heap_bytes or 0) + (self.toast_bytes or 0) + (self.index_bytes or 0)

    @property
    def hot_ratio(self) -> float | None:
        """Of the updates, the share that touched no index."""
        return (self.hot_updates or 0) / self.updates if self.updates else None

    @property
    def bloat_ratio(self) -> float | None:
        """Of the heap."""
        return self.bloat_bytes / self.heap_bytes if self.bloat_bytes is not None and self.heap_bytes else None


@dataclass(frozen=True)
class Sizes:
    database_bytes: int | None
    tables: Sequence[TableSize]


async def sizes(ask: Questions) -> Sizes:
    whole = await ask.row(
        "SELECT CASE WHEN has_database_privilege(current_database(), 'CONNECT') "
        "THEN pg_database_size(current_database()) END AS bytes"
    )
    found = [TableSize(**row) for row in await ask.rows(SIZES)]
    return Sizes(whole["bytes"], sorted(found, key=lambda table: (not table.is_locked, -table.total_bytes)))
