"""The database report: everything the operator can see, collected once, and shown in whatever form."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from feed_service.operations import figures
from feed_service.operations.advice import Advice, advice_part
from feed_service.operations.asking import Questions, Unknown, asking
from feed_service.operations.connections import Connections, connections
from feed_service.operations.connections_part import connections_part
from feed_service.operations.drifting import Drifting, drifting, drifting_part
from feed_service.operations.hits import Hits, hits
from feed_service.operations.hits_part import hits_part
from feed_service.operations.indexes import LEAST_AGE, Indexes, indexes
from feed_service.operations.indexes_part import indexes_part
from feed_service.operations.judging import advise
from feed_service.operations.months import Months, months, months_part
from feed_service.operations.operations_part import operations_part
from feed_service.operations.parts import Part
from feed_service.operations.replication import Replication, replication, replication_part
from feed_service.operations.served import Served, read_served
from feed_service.operations.sizes import Sizes, sizes
from feed_service.operations.sizes_part import sizes_part
from feed_service.operations.slow_statements import SlowStatements, first_look, slow_statements
from feed_service.operations.slow_statements_part import slow_statements_part
from feed_service.operations.snapshots import Snapshot
from feed_service.operations.targets import Target, targets, targets_part
from feed_service.operations.upkeep import Upkeep, upkeep, upkeep_part
from feed_service.operations.vacuuming import Vacuuming, vacuuming, vacuuming_part

Found = TypeVar("Found")

WINDOW = timedelta(hours=1)

ABOUT = """
    SELECT now() AS at, current_database() AS database, current_user AS role,
        (SELECT setting FROM pg_settings WHERE name = 'server_version') AS version
"""


@dataclass(frozen=True)
class Wanted:
    """What history to look at; how long to wait between two looks at pg_stat_statements; how old statistics must be."""

    window: timedelta = WINDOW
    wait_s: float = 0.0
    least_age: timedelta = LEAST_AGE


@dataclass(frozen=True)
class Report:
    """Made of dataclasses, times and numbers only, so that orjson writes it. A part is `Unknown` with its reason."""

    at: datetime
    database: str
    role: str
    version: str
    window_s: float
    advice: Sequence[Advice]
    targets: Sequence[Target]
    statements: SlowStatements | Unknown
    served: Served | Unknown
    sizes: Sizes | Unknown
    indexes: Indexes | Unknown
    hits: Hits | Unknown
    connections: Connections | Unknown
    vacuuming: Vacuuming | Unknown
    replication: Replication | Unknown
    upkeep: Upkeep | Unknown
    drifting: Drifting | Unknown
    months: Months | Unknown


async def report(url: str, wanted: Wanted | None = None) -> Report:
    """Collected on a connection of its own, in read-only transactions; a refused part does not stop the rest."""
    async with asking(url) as ask:
        return await collected(ask, wanted or Wanted())


async def collected(ask: Questions, wanted: Wanted) -> Report:
    about = await ask.row(ABOUT)
    served = await ask.tried(lambda ask: read_served(ask, wanted.window, about["at"]))
    looked = await _looked(ask, wanted.wait_s)
    found: dict[str, Any] = {
        "statements": await ask.tried(lambda ask: slow_statements(ask, wanted.window, served, looked)),
        "sizes": await ask.tried(sizes),
        "indexes": await ask.tried(lambda ask: indexes(ask, wanted.least_age)),
        "hits": await ask.tried(hits),
        "connections": await ask.tried(lambda ask: connections(ask, served)),
        "vacuuming": await ask.tried(vacuuming),
        "replication": await ask.tried(replication),
        "upkeep": await ask.tried(upkeep),
        "drifting": await ask.tried(drifting),
        "months": await ask.tried(months),
    }
    seen = {**found, "served": served, "targets": targets(served)}
    return Report(**about, window_s=wanted.window.total_seconds(), advice=advise(seen), **seen)


async def _looked(ask: Questions, wait_s: float) -> Snapshot | None:
    """The first of two looks. Nothing is open while it waits."""
    if not wait_s:
        return None
    first = await ask.tried(first_look)
    await asyncio.sleep(wait_s)
    return None if isinstance(first, Unknown) else first


def parts_of(seen: Report) -> list[Part]:
    """As it is read: what to do first, then what that was seen by."""
    return [
        advice_part(seen.advice),
        targets_part(seen.targets),
        operations_part(seen.served),
        _part(seen.statements, slow_statements_part, "statements", "Slow statements"),
        _part(seen.sizes, sizes_part, "sizes", "Tables"),
        _part(seen.indexes, indexes_part, "indexes", "Indexes"),
        hits_part(seen.hits, seen.served),
        _part(seen.connections, lambda it: connections_part(it, seen.served), "connections", "Connections"),
        _part(seen.vacuuming, vacuuming_part, "vacuum", "Vacuum"),
        _part(seen.replication, replication_part, "replication", "Replication"),
        _part(seen.upkeep, upkeep_part, "jobs", "Jobs"),
        _part(seen.drifting, drifting_part, "drift", "Drift of stored numbers"),
        _part(seen.months, months_part, "partitions", "Partitions"),
    ]


def _part(found: Found | Unknown, shown: Callable[[Found], Part], name: str, title: str) -> Part:
    return Part(name, title, [f"Not known: {found.reason}."]) if isinstance(found, Unknown) else shown(found)


def heading(seen: Report) -> tuple[str, str]:
    """(title, what it is of)."""
    return (
        f"Database report: {seen.database}",
        (
            f"{figures.moment(seen.at)}, PostgreSQL {seen.version}, as {seen.role}; "
            f"history of {figures.duration(seen.window_s)}."
        ),
    )
