"""What was measured, kept and read again: `models.Observation` of both kinds."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from feed_service.operations.asking import MARK, Questions
from feed_service.operations.snapshots import AVAILABLE, COUNTED, Snapshot, is_usable
from feed_service.transactions import Statement, Statements

KEPT = 300
"""Statements of a snapshot, by their time: one takes 15 kB, and there are 1,008 in a week."""

SNAPSHOT = """
    WITH counted AS ({counted} LIMIT {kept})
    INSERT INTO observations (kind, at, source, data)
    SELECT 'statements', now(), 'pg_stat_statements', jsonb_build_object(
        'reset', info.stats_reset, 'evictions', info.dealloc,
        'is_whole', (SELECT count(*) < {kept} FROM counted),
        'rows', (SELECT jsonb_object_agg(
            key, jsonb_build_array(calls, total_ms, longest_ms, rows, blocks_hit, blocks_read, read_ms, since)
        ) FROM counted WHERE NOT is_hidden))
    FROM {schema}.pg_stat_statements_info AS info
    WHERE NOT EXISTS (SELECT FROM observations WHERE kind = 'statements' AND at > now() - interval '9 minutes')
"""

FIRST = """
    SELECT at, data FROM observations
    WHERE kind = 'statements' AND at >= now() - $1::interval ORDER BY at LIMIT 1
"""
SERVED = """
    SELECT at, source, data FROM observations
    WHERE kind = 'service' AND at > now() - $1::interval ORDER BY at, source
"""


class Transaction(Protocol):
    """What a duty is given: see `jobs.upkeep`."""

    sql: Statements


async def snapshot_statements(tx: Transaction) -> bool:
    """Keep what pg_stat_statements has counted of this database, if it is there and may be read, and not just kept."""
    found = await tx.sql.row(Statement(AVAILABLE + MARK, (), {}))
    if is_usable(found):
        counted = COUNTED.format(schema=found["schema"])
        text = SNAPSHOT.format(counted=counted, kept=KEPT, schema=found["schema"])
        await tx.sql.run(Statement(text + MARK, (), {}))
    return False


async def first_snapshot(ask: Questions, window: timedelta) -> Snapshot | None:
    """The oldest one of the window."""
    rows = await ask.rows(FIRST, window)
    return Snapshot.stored(rows[0]["at"], rows[0]["data"]) if rows else None


async def served(ask: Questions, window: timedelta) -> AsyncIterator[tuple[datetime, str, dict[str, Any]]]:
    """(end of the minute, process, what it did in it), oldest first."""
    async for row in ask.each(SERVED, window):
        yield row["at"], row["source"], row["data"]
