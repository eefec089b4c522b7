"""What the service promises, judged by what it measured in the window."""

from collections.abc import Sequence
from dataclasses import dataclass

from feed_service.operations import figures
from feed_service.operations.asking import Unknown
from feed_service.operations.operations_part import MOST_S
from feed_service.operations.parts import Part, Table
from feed_service.operations.served import Served

API_P95_S = 0.1
DATABASE_P95_S = 0.05
SLOW_S = 0.1
"""A statement that takes longer is a slow one."""

MOST_SLOW, MOST_ERRORS, MOST_POOL = 0.05, 0.01, 0.8


@dataclass(frozen=True)
class Target:
    """`is_met` is None where nothing was measured."""

    name: str
    wanted: str
    measured: str
    is_met: bool | None


def targets(served: Served | Unknown) -> Sequence[Target]:
    known = None if isinstance(served, Unknown) or not served.rows else served
    operations, statements = (known.all_operations(), known.all_statements()) if known else (None, None)
    p95, sql_p95 = (times.within(0.95) if times else None for times in (operations, statements))
    slow = statements.above(SLOW_S) if statements else None
    errors = operations.errors / operations.calls if operations and operations.calls else None
    pool = max((pool.used for pool in known.pools.values()), default=None) if known else None
    return (
        _target("p95 of operations", f"≤ {API_P95_S * 1_000:.0f} ms", p95, API_P95_S, _ms(p95)),
        _target("p95 of statements", f"≤ {DATABASE_P95_S * 1_000:.0f} ms", sql_p95, DATABASE_P95_S, _ms(sql_p95)),
        _target(f"statements above {SLOW_S * 1_000:.0f} ms", "≤ 5 %", slow, MOST_SLOW, figures.share(slow)),
        _target("errors, for each operation", "≤ 1 %", errors, MOST_ERRORS, figures.share(errors)),
        _target("fullest pool of connections", "≤ 80 %", pool, MOST_POOL, figures.share(pool)),
    )


def _ms(seconds: float | None) -> str:
    return f"{figures.bound(seconds, MOST_S)} ms"


def _target(name: str, wanted: str, value: float | None, most: float, measured: str) -> Target:
    return (
        Target(name, wanted, "not measured", None) if value is None else Target(name, wanted, measured, value <= most)
    )


def targets_part(found: Sequence[Target]) -> Part:
    verdicts = {True: "met", False: "MISSED", None: figures.NONE}
    rows = [(it.name, it.wanted, it.measured, verdicts[it.is_met]) for it in found]
    return Part("targets", "Targets", (), [Table("Over the window", ("what", "#wanted", "#measured", "verdict"), rows)])
