"""Statements by the time they took, from pg_stat_statements: of this database, in a window, by the service's names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from feed_service.fingerprints import fingerprint
from feed_service.operations.asking import MARK, Questions, Unknown
from feed_service.operations.history import first_snapshot
from feed_service.operations.known_statements import known_statements
from feed_service.operations.redaction import redacted
from feed_service.operations.served import Served
from feed_service.operations.snapshots import (
    AVAILABLE,
    Counted,
    Differences,
    Snapshot,
    differences,
    is_usable,
    snapshot,
)

SHOWN = 20
OURS = "the report's own"

Named = Mapping[str, tuple[set[str], set[str]]]
"""(names, operations) by fingerprint."""
TEXTS = (
    "SELECT DISTINCT ON (queryid) queryid, query FROM {schema}.pg_stat_statements WHERE queryid = ANY ($1::bigint[])"
)


@dataclass(frozen=True)
class SlowStatement:
    """`names` are the service's for this text, `operations` the GraphQL operations that ran them in the window.

    `share` is of the time of all statements. `longest_ms` is since counting began, which may be before the window.
    """

    query_id: str
    text: str
    names: Sequence[str]
    operations: Sequence[str]
    calls: int
    total_ms: float
    mean_ms: float
    longest_ms: float
    rows_per_call: float
    blocks_hit: int
    blocks_read: int
    read_ms: float | None
    share: float
    is_at_most: bool


@dataclass(frozen=True)
class SlowStatements:
    """`obstacle` and `remedy`: why there are none, or not all. `since` is None where the extension does not tell."""

    since: datetime | None
    until: datetime | None
    calls: int
    total_ms: float
    statements: Sequence[SlowStatement]
    notes: Sequence[str] = ()
    obstacle: str | None = None
    remedy: str | None = None


async def first_look(ask: Questions) -> Snapshot | None:
    """What to compare with a little later, without any that was kept; None if there is nothing to look at."""
    found = await ask.row(AVAILABLE)
    return await snapshot(ask, found["schema"]) if is_usable(found) else None


async def slow_statements(
    ask: Questions, window: timedelta, served: Served | Unknown, looked: Snapshot | None = None
) -> SlowStatements:
    """Between `looked`, or else the oldest kept snapshot of the window, and now."""
    found = await ask.row(AVAILABLE)
    if not is_usable(found):
        return SlowStatements(None, None, 0, 0.0, (), (), *_obstacle(found["version"], is_loaded=found["is_loaded"]))
    first = looked or await _kept(ask, window)
    last = await snapshot(ask, found["schema"])
    between = differences(None if isinstance(first, Unknown) else first, last)
    by_query = _by_query(between.rows)
    hidden = f"{last.hidden:,} statements of other roles are hidden from this one." if last.hidden else None
    return SlowStatements(
        between.since,
        last.at,
        sum(row.calls for row in by_query.values()),
        sum(row.total_ms for row in by_query.values()),
        await _top(ask, found["schema"], by_query, between, served),
        (*between.notes, *([first.reason] if isinstance(first, Unknown) else [])),
        hidden,
        f"GRANT pg_read_all_stats TO {found['role']};" if hidden else None,
    )


async def _top(
    ask: Questions, schema: str, by_query: Mapping[int, Counted], between: Differences, served: Served | Unknown
) -> list[SlowStatement]:
    """Those that took the most time. Only of them the texts are read, which PostgreSQL keeps in a file."""
    top = sorted(by_query, key=lambda query: -by_query[query].total_ms)[:SHOWN]
    texts = {row["queryid"]: row["query"] for row in await ask.rows(TEXTS.format(schema=schema), top)}
    total_ms = sum(row.total_ms for row in by_query.values())
    named = {} if isinstance(served, Unknown) else served.by_fingerprint()
    return [_statement(query, by_query[query], texts.get(query, ""), total_ms, between, named) for query in top]


async def _kept(ask: Questions, window: timedelta) -> Snapshot | Unknown | None:
    """The kept ones may be out of reach of the role; what is counted now is not."""
    may = await ask.row("SELECT coalesce(has_table_privilege(to_regclass('observations'), 'SELECT'), false) AS it")
    return await first_snapshot(ask, window) if may["it"] else Unknown("The kept snapshots cannot be read.")


def _obstacle(version: str | None, *, is_loaded: bool) -> tuple[str, str]:
    if not is_loaded:
        return (
            "The library pg_stat_statements is not loaded.",
            (
                "Set shared_preload_libraries = 'pg_stat_statements', restart PostgreSQL, and "
                "CREATE EXTENSION pg_stat_statements in this database."
            ),
        )
    if version is None:
        return (
            "The extension pg_stat_statements is loaded, but not created in this database.",
            "CREATE EXTENSION pg_stat_statements, as a superuser, in this database.",
        )
    return "This role may not read pg_stat_statements.", "GRANT pg_read_all_stats, and USAGE on the extension's schema."


def _by_query(rows: Mapping[str, Counted]) -> dict[int, Counted]:
    """Summed over roles and levels."""
    found: dict[int, list[Counted]] = defaultdict(list)
    for key, row in rows.items():
        found[int(key.partition(":")[0])].append(row)
    return {query: _sum(counted) for query, counted in found.items()}


def _sum(counted: Sequence[Counted]) -> Counted:
    times = [row.read_ms for row in counted if row.read_ms is not None]
    return Counted(
        sum(row.calls for row in counted),
        sum(row.total_ms for row in counted),
        max(row.longest_ms for row in counted),
        sum(row.rows for row in counted),
        sum(row.blocks_hit for row in counted),
        sum(row.blocks_read for row in counted),
        sum(times) if times else None,
        None,
    )


def _statement(
    query: int,
    row: Counted,
    text: str,
    total_ms: float,
    between: Differences,
    named: Named,
) -> SlowStatement:
    names, operations = _names(text, named)
    return SlowStatement(
        str(query),
        redacted(text),
        sorted(names),
        sorted(operations),
        row.calls,
        row.total_ms,
        row.total_ms / row.calls if row.calls else 0.0,
        row.longest_ms,
        row.rows / row.calls if row.calls else 0.0,
        row.blocks_hit,
        row.blocks_read,
        row.read_ms,
        row.total_ms / total_ms if total_ms else 0.0,
        any(key.startswith(f"{query}:") for key in between.at_most),
    )


def _names(text: str, named: Named) -> tuple[set[str], set[str]]:
    if MARK.strip() in text:
        return {OURS}, set()
    key = fingerprint(text)
    if key in named:
        return named[key]
    known = known_statements().get(key)
    return ({known} if known else set()), set()
