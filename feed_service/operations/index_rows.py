"""Every index and every foreign key, with what is needed to judge them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feed_service import models
from feed_service.operations.asking import LOCKED, Questions

INDEXES = f"""
    WITH locked AS ({LOCKED}),
    used AS (
        SELECT CASE WHEN itself.relispartition THEN pg_partition_root(itself.oid)::oid ELSE itself.oid END AS root,
            sum(stat.idx_scan)::bigint AS scans, max((to_jsonb(stat) ->> 'last_idx_scan')::timestamptz) AS last_used_at,
            sum(CASE WHEN stat.relid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(itself.oid) END)::bigint
                AS bytes
        FROM pg_class AS itself LEFT JOIN pg_stat_all_indexes AS stat ON stat.indexrelid = itself.oid
        WHERE itself.relkind IN ('i', 'I') GROUP BY 1
    )
    SELECT i.indexrelid::bigint AS oid, i.indrelid::bigint AS table_oid, space.nspname AS schema,
        of.relname AS table, itself.relname AS name, method.amname AS method,
        i.indisunique OR i.indisprimary OR i.indisexclusion OR i.indisreplident
            OR EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid) AS is_constraint,
        i.indisvalid AND i.indisready AS is_valid,
        EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = i.indexrelid) AS is_being_made,
        (i.indkey::int2[])[:i.indnkeyatts - 1]::int[] AS keys, i.indkey::int2[]::int[] AS columns,
        i.indclass::oid[]::bigint[] AS classes, i.indcollation::oid[]::bigint[] AS collations,
        i.indoption::int2[]::int[] AS options, coalesce(itself.reloptions, '{{}}') AS storage,
        coalesce(pg_get_expr(i.indexprs, i.indrelid), '') AS expressions,
        coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
        pg_get_indexdef(i.indexrelid) AS definition,
        ARRAY(SELECT attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = i.indrelid AND attnum = key.number ORDER BY place) AS column_names,
        used.scans, used.last_used_at, used.bytes
    FROM pg_index AS i
    JOIN pg_class AS itself ON itself.oid = i.indexrelid AND NOT itself.relispartition
    JOIN pg_class AS of ON of.oid = i.indrelid AND of.relkind IN ('r', 'm', 'p')
    JOIN pg_namespace AS space ON space.oid = of.relnamespace
        AND space.nspname <> 'information_schema' AND space.nspname NOT LIKE 'pg\\_%'
    JOIN pg_am AS method ON method.oid = itself.relam
    JOIN used ON used.root = i.indexrelid
    WHERE i.indrelid NOT IN (SELECT relation FROM locked)
    ORDER BY space.nspname, of.relname, itself.relname
"""  # noqa: S608 - of constants.

KEYS = f"""
    SELECT foreign_key.conname AS name, foreign_key.conrelid::bigint AS table_oid, space.nspname AS schema,
        of.relname AS table, target_space.nspname AS target_schema, target.relname AS target,
        foreign_key.conkey::int[] AS columns,
        ARRAY(SELECT attname::text FROM unnest(foreign_key.conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = foreign_key.conrelid AND attnum = key.number ORDER BY place)
            AS column_names,
        (SELECT sum(greatest(reltuples, 0)) FROM pg_class AS each WHERE each.oid = of.oid
            OR of.relkind = 'p' AND each.relispartition AND pg_partition_root(each.oid) = of.oid)::bigint AS rows,
        (SELECT sum(relpages) * 8192 FROM pg_class AS each WHERE each.oid = of.oid
            OR of.relkind = 'p' AND each.relispartition AND pg_partition_root(each.oid) = of.oid)::bigint AS bytes,
        (SELECT n_tup_del FROM pg_stat_all_tables WHERE relid = target.oid) AS deleted_targets
    FROM pg_constraint AS foreign_key
    JOIN pg_class AS of ON of.oid = foreign_key.conrelid
    JOIN pg_namespace AS space ON space.oid = of.relnamespace
    JOIN pg_class AS target ON target.oid = foreign_key.confrelid
    JOIN pg_namespace AS target_space ON target_space.oid = target.relnamespace
    WHERE foreign_key.contype = 'f' AND foreign_key.conparentid = 0 AND of.oid NOT IN ({LOCKED})
    ORDER BY rows DESC, space.nspname, of.relname, foreign_key.conname
"""  # noqa: S608 - of constants.

LEFT_OUT = f"""
    SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'm', 'p') AND oid IN ({LOCKED}) ORDER BY relname
"""  # noqa: S608 - of constants.

SERVES = {
    str(index.name): str(index.info["serves"])
    for table in models.Base.metadata.tables.values()
    for index in table.indexes
}
"""The query of `feed_service.queries`, or the foreign key, that an index of ours is there for."""


def shown(schema: str, name: str) -> str:
    return name if schema == "public" else f"{schema}.{name}"


@dataclass(frozen=True)
class Index:
    """`is_constraint`: unique, primary, excluding, a replica's identity or what a constraint stands on: never dropped.

    `columns` are `keys` and those that are only carried along; 0 stands for an expression. `scans` and `bytes` are of
    all partitions; `serves` is None for an index that is not ours.
    """

    oid: int
    table_oid: int
    schema: str
    table: str
    name: str
    method: str
    is_constraint: bool
    is_valid: bool
    is_being_made: bool
    keys: Sequence[int]
    columns: Sequence[int]
    classes: Sequence[int]
    collations: Sequence[int]
    options: Sequence[int]
    storage: Sequence[str]
    expressions: str
    predicate: str
    definition: str
    column_names: Sequence[str]
    scans: int | None
    last_used_at: datetime | None
    bytes: int | None
    serves: str | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Index":
        return cls(**row, serves=SERVES.get(row["name"]))

    @property
    def title(self) -> str:
        return shown(self.schema, self.name)


@dataclass(frozen=True)
class ForeignKey:
    """`deleted_targets`: rows that were deleted where it points to, since the statistics began: each looked it up."""

    name: str
    table_oid: int
    schema: str
    table: str
    target_schema: str
    target: str
    columns: Sequence[int]
    column_names: Sequence[str]
    rows: int
    bytes: int
    deleted_targets: int | None

    @property
    def title(self) -> str:
        return f"{shown(self.schema, self.table)} ({', '.join(self.column_names)})"


async def all_indexes(ask: Questions) -> list[Index]:
    return [Index.of(row) for row in await ask.rows(INDEXES)]


async def left_out(ask: Questions) -> list[str]:
    """Tables that somebody has locked exclusively: their indexes are not looked at."""
    return [row["name"] for row in await ask.rows(LEFT_OUT)]


async def all_foreign_keys(ask: Questions) -> list[ForeignKey]:
    return [ForeignKey(**row) for row in await ask.rows(KEYS)]
