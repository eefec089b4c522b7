"""What VACUUM and ANALYZE have still to do, and how far the numbers of transactions have come."""

from collections.abc import Sequence
from dataclasses import dataclass

from feed_service.operations import figures
from feed_service.operations.asking import Questions
from feed_service.operations.index_rows import shown
from feed_service.operations.parts import Part, Table

SHOWN = 10

# Thresholds as autovacuum computes them, with the table's own settings first. From PostgreSQL 18 on there is a most.
DUE = """
    WITH setting AS (
        SELECT max(setting) FILTER (WHERE name = 'autovacuum_vacuum_threshold')::float8 AS base,
            max(setting) FILTER (WHERE name = 'autovacuum_vacuum_scale_factor')::float8 AS factor,
            coalesce(nullif(max(setting) FILTER (WHERE name = 'autovacuum_vacuum_max_threshold')::float8, -1),
                'infinity') AS most
        FROM pg_settings
    )
    SELECT space.nspname AS schema, class.relname AS name, class.reltuples::bigint AS rows, stat.n_dead_tup AS dead,
        least(setting.most, coalesce(own.base, setting.base)
            + coalesce(own.factor, setting.factor) * greatest(class.reltuples, 0))::float8 AS threshold,
        coalesce(own.is_on, true) AS is_on, age(class.relfrozenxid)::bigint AS age,
        stat.last_analyze IS NULL AND stat.last_autoanalyze IS NULL AND stat.n_live_tup > 0
            AND has_table_privilege(class.oid, 'SELECT') AND NOT EXISTS (SELECT FROM pg_stats
                WHERE schemaname = space.nspname AND tablename = class.relname) AS is_never_analysed
    FROM pg_class AS class
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_stat_all_tables AS stat ON stat.relid = class.oid
    CROSS JOIN setting
    LEFT JOIN LATERAL (
        SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::float8 AS base,
            max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor')::float8 AS factor,
            bool_and(option_value::boolean) FILTER (WHERE option_name = 'autovacuum_enabled') AS is_on
        FROM pg_options_to_table(class.reloptions)
    ) AS own ON true
    WHERE class.relkind IN ('r', 'm') AND space.nspname <> 'information_schema' AND space.nspname NOT LIKE 'pg\\_%'
    ORDER BY class.oid
"""
WRAPAROUND = """
    SELECT age(datfrozenxid)::bigint AS age, mxid_age(datminmxid)::bigint AS multixact_age,
        (SELECT setting::bigint FROM pg_settings WHERE name = 'autovacuum_freeze_max_age') AS freeze_at,
        (SELECT setting::bigint FROM pg_settings WHERE name = 'autovacuum_multixact_freeze_max_age')
            AS multixact_freeze_at,
        (SELECT setting::boolean FROM pg_settings WHERE name = 'autovacuum') AS is_on
    FROM pg_database WHERE datname = current_database()
"""
RUNNING = """
    SELECT progress.relid::regclass::text AS table, progress.phase,
        progress.heap_blks_scanned::float8 / nullif(progress.heap_blks_total, 0) AS scanned,
        extract(epoch FROM clock_timestamp() - activity.xact_start)::float8 AS open_s
    FROM pg_stat_progress_vacuum AS progress LEFT JOIN pg_stat_activity AS activity USING (pid)
    WHERE progress.datname = current_database()
"""


@dataclass(frozen=True)
class Due:
    """A table. VACUUM comes by itself once `dead` exceeds `threshold`, if autovacuum `is_on`; `age` in transactions."""

    schema: str
    name: str
    rows: int
    dead: int
    threshold: float
    is_on: bool
    age: int
    is_never_analysed: bool

    @property
    def title(self) -> str:
        return shown(self.schema, self.name)


@dataclass(frozen=True)
class Running:
    """`scanned`: the share of the heap, None where the role may not see it."""

    table: str | None
    phase: str | None
    scanned: float | None
    open_s: float | None


@dataclass(frozen=True)
class Vacuuming:
    """Ages are in transactions; VACUUM is forced at `freeze_at`, and PostgreSQL stops writing at 2 billion."""

    is_on: bool
    age: int
    freeze_at: int
    multixact_age: int
    multixact_freeze_at: int
    tables: Sequence[Due]
    running: Sequence[Running]

    @property
    def worst_age(self) -> float:
        """Of both kinds, as a share of where VACUUM is forced."""
        return max(self.age / self.freeze_at, self.multixact_age / self.multixact_freeze_at)


async def vacuuming(ask: Questions) -> Vacuuming:
    return Vacuuming(
        **await ask.row(WRAPAROUND),
        tables=[Due(**row) for row in await ask.rows(DUE)],
        running=[Running(**row) for row in await ask.rows(RUNNING)],
    )


def vacuuming_part(found: Vacuuming) -> Part:
    never = [table.title for table in found.tables if table.is_never_analysed]
    ages = (
        f"The oldest transaction id is {found.age:,} transactions old; VACUUM is forced at {found.freeze_at:,}. "
        f"The oldest multixact: {found.multixact_age:,} of {found.multixact_freeze_at:,}."
    )
    lines = [
        f"Autovacuum is {'on' if found.is_on else 'OFF'}.",
        ages,
        f"With rows, and never analysed: {figures.listed(never, 20) or 'none that this role reads'}.",
    ]
    return Part("vacuum", "Vacuum", lines, [_due(found), _running(found)])


def _due(found: Vacuuming) -> Table:
    columns = ("table", "#dead rows", "#threshold", "#share", "autovacuum", "#age")
    worst = sorted(found.tables, key=lambda table: -table.dead / table.threshold)
    rows = [
        (
            table.title,
            figures.number(table.dead),
            figures.number(round(table.threshold)),
            figures.share(table.dead / table.threshold),
            "on" if table.is_on and found.is_on else "OFF",
            figures.number(table.age),
        )
        for table in worst[:SHOWN]
        if table.dead
    ]
    return Table("Dead rows against where autovacuum begins", columns, rows, "No dead rows.")


def _running(found: Vacuuming) -> Table:
    rows = [
        (
            running.table or figures.NOT_KNOWN,
            running.phase or figures.NOT_KNOWN,
            figures.share(running.scanned),
            figures.duration(running.open_s),
        )
        for running in found.running
    ]
    return Table("At work now", ("table", "phase", "#heap scanned", "#for"), rows)
