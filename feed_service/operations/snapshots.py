"""What pg_stat_statements has counted of this database, at one moment, and what was added between two of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from feed_service.operations.asking import Questions

AVAILABLE = """
    SELECT extension.extversion AS version, quote_ident(space.nspname) AS schema,
        EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max') AS is_loaded,
        coalesce(has_schema_privilege(space.oid, 'USAGE')
            AND has_table_privilege(view.oid, 'SELECT') AND has_function_privilege(counted.oid, 'EXECUTE'), false)
            AS is_permitted,
        quote_ident(current_user) AS role,
        pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all
    FROM (VALUES (1)) AS always (one)
    LEFT JOIN pg_extension AS extension ON extension.extname = 'pg_stat_statements'
    LEFT JOIN pg_namespace AS space ON space.oid = extension.extnamespace
    LEFT JOIN pg_class AS view ON view.relname = 'pg_stat_statements' AND view.relnamespace = space.oid
    LEFT JOIN pg_proc AS counted ON counted.proname = 'pg_stat_statements' AND counted.pronamespace = space.oid
"""

# Columns were renamed in 17 and some are new there: what a version lacks is NULL.
COUNTED = """
    SELECT coalesce(queryid, 0) || ':' || userid || ':' || toplevel AS key, queryid IS NULL AS is_hidden,
        calls, total_exec_time AS total_ms, max_exec_time AS longest_ms, rows,
        shared_blks_hit AS blocks_hit, shared_blks_read AS blocks_read,
        coalesce(every ->> 'shared_blk_read_time', every ->> 'blk_read_time')::float8 AS read_ms,
        (every ->> 'stats_since')::timestamptz AS since
    FROM {schema}.pg_stat_statements(false) AS counted, to_jsonb(counted) AS every
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY total_exec_time DESC
"""
NOW = "SELECT clock_timestamp() AS at, stats_reset AS reset, dealloc AS evictions FROM {schema}.pg_stat_statements_info"


def is_usable(found: Mapping[str, Any]) -> bool:
    return bool(found["version"] and found["is_loaded"] and found["is_permitted"])


@dataclass(frozen=True)
class Counted:
    """Of one statement, one role, and one level. `since`: when counting began, from PostgreSQL 17 on."""

    calls: int
    total_ms: float
    longest_ms: float
    rows: int
    blocks_hit: int
    blocks_read: int
    read_ms: float | None
    since: datetime | None

    @classmethod
    def stored(cls, row: Sequence[Any]) -> "Counted":
        calls, total_ms, longest_ms, rows, hit, read, read_ms, since = row
        return cls(calls, total_ms, longest_ms, rows, hit, read, read_ms, _moment(since))

    def less(self, before: Self) -> "Counted":
        read_ms = None if self.read_ms is None or before.read_ms is None else self.read_ms - before.read_ms
        return Counted(
            self.calls - before.calls,
            self.total_ms - before.total_ms,
            self.longest_ms,
            self.rows - before.rows,
            self.blocks_hit - before.blocks_hit,
            self.blocks_read - before.blocks_read,
            read_ms,
            self.since,
        )


@dataclass(frozen=True)
class Snapshot:
    """`evictions`: how often the extension has dropped its least used statements, of all databases.

    `is_whole`: no statement was left out for want of room. `hidden`: rows of other roles, which tell nothing.
    """

    at: datetime
    reset: datetime | None
    evictions: int
    rows: Mapping[str, Counted]
    is_whole: bool = True
    hidden: int = 0

    @classmethod
    def stored(cls, at: datetime, data: Mapping[str, Any]) -> Self:
        rows = {key: Counted.stored(row) for key, row in (data["rows"] or {}).items()}
        return cls(at, _moment(data["reset"]), data["evictions"], rows, data["is_whole"])


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


async def snapshot(ask: Questions, schema: str) -> Snapshot:
    now = await ask.row(NOW.format(schema=schema))
    seen: dict[str, Counted] = {}
    hidden = 0
    for row in await ask.rows(COUNTED.format(schema=schema)):
        key, is_hidden = row.pop("key"), row.pop("is_hidden")
        hidden += is_hidden
        if not is_hidden:
            seen[key] = Counted(**row)
    return Snapshot(now["at"], now["reset"], now["evictions"], seen, hidden=hidden)


@dataclass(frozen=True)
class Differences:
    """What was added, by key; `at_most`: keys whose figures may hold what was counted before; and what to say of it."""

    rows: Mapping[str, Counted]
    since: datetime | None
    at_most: frozenset[str] = frozenset()
    notes: Sequence[str] = field(default_factory=tuple)


def differences(first: Snapshot | None, last: Snapshot) -> Differences:
    """What `last` has more than `first`; all that it has if there is no first, or if the figures were reset since."""
    if first is None:
        return Differences(last.rows, last.reset, notes=("No earlier snapshot: these are all that was ever counted.",))
    if last.reset is not None and last.reset > first.at:
        note = f"pg_stat_statements was reset at {last.reset:%Y-%m-%d %H:%M:%S %Z}: figures begin there."
        return Differences(last.rows, last.reset, notes=(note,))
    added, anew, at_most = {}, 0, set()
    for key, now in last.rows.items():
        before = first.rows.get(key)
        has_begun = now.since is not None and now.since != before.since if before else _is_after(now.since, first.at)
        if before is None or has_begun or now.calls < before.calls:
            anew += before is not None
            added[key] = now
            if before is None and not has_begun and not first.is_whole:
                at_most.add(key)
        elif now.calls > before.calls:
            added[key] = now.less(before)
    notes = _notes(first, last, anew, len(at_most))
    return Differences(added, first.at, frozenset(at_most), notes)


def _is_after(since: datetime | None, moment: datetime) -> bool:
    return since is not None and since > moment


def _notes(first: Snapshot, last: Snapshot, anew: int, at_most: int) -> tuple[str, ...]:
    gone = 0 if last.hidden else len(first.rows.keys() - last.rows.keys())
    evictions = last.evictions - first.evictions
    told = (
        (evictions, f"Statements were dropped {evictions:,} times for want of room (pg_stat_statements.max)."),
        (
            anew,
            f"{anew:,} statements were dropped or reset between, and count from then on: their figures are too low.",
        ),
        (gone, f"{gone:,} statements of the first snapshot are gone: what they did since is not known."),
        (at_most, f"{at_most:,} statements were not among those of the first snapshot: their figures may be too high."),
    )
    return tuple(sentence for number, sentence in told if number > 0)
