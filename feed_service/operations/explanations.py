"""What an operation asked of the database, statement by statement, each with its plan and what is wrong with it."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feed_service.metering import REPEATS
from feed_service.operations.explaining import Found, PlanReader
from feed_service.operations.plans import QUOTED, Plan
from feed_service.operations.runs import Run
from feed_service.operations.verdicts import Kind, Verdict, of_plan, slow
from feed_service.transactions import sqlstate_of

TOTAL_S = 60.0
"""For the plans of all statements together; those that come later are not run again."""


@dataclass(frozen=True)
class Asking:
    """The field that asked, as feed.edges.node.author, and how often it did."""

    path: str
    times: int


@dataclass(frozen=True)
class ExplainedStatement:
    """`rows`, `seconds`: of all runs. `values`: of the slowest one, which is the one explained, if they may be shown.

    `text` has a mark in place of each value unless they may be shown. `plan` is None if PostgreSQL has made none.
    """

    name: str
    fingerprint: str
    text: str
    asked_by: list[Asking]
    runs: int
    rows: int
    seconds: float
    longest_s: float
    values: list[Any] | None
    plan: Plan | None
    verdicts: list[Verdict]

    @property
    def is_fine(self) -> bool:
        return not self.verdicts


@dataclass(frozen=True)
class Explained:
    """`seconds`: the operation from its first field to its last, with prepared statements and empty caches.

    `errors` are those of its answer. Statements stand in the order in which their first runs ended.
    """

    operation: str | None
    viewer: str | None
    executor: str
    seconds: float
    errors: list[str]
    statements: list[ExplainedStatement]

    @property
    def is_fine(self) -> bool:
        return not self.errors and all(statement.is_fine for statement in self.statements)


async def explained_statements(
    plans: PlanReader, runs: Sequence[Run], *, is_analyzed: bool, shows_values: bool
) -> list[ExplainedStatement]:
    """One for each statement, in the order of their first runs."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.fingerprint, []).append(run)
    ends_at = time.monotonic() + TOTAL_S
    found = []
    for group in grouped.values():
        may_run = is_analyzed and time.monotonic() < ends_at
        found.append(await _explained(plans, group, may_run=may_run, shows_values=shows_values))
    return found


async def _explained(plans: PlanReader, runs: list[Run], *, may_run: bool, shows_values: bool) -> ExplainedStatement:
    slowest = max(runs, key=lambda run: (run.error is not None, run.seconds))
    plan, verdicts = await _judged(plans, slowest, may_run=may_run, hides_texts=slowest.is_literal and not shows_values)
    asked_by = [Asking(path, times) for path, times in Counter(run.path for run in runs).items()]
    return ExplainedStatement(
        slowest.name,
        slowest.fingerprint,
        slowest.sent if shows_values or not slowest.is_literal else without_texts(slowest.sent),
        asked_by,
        len(runs),
        sum(run.rows for run in runs),
        sum(run.seconds for run in runs),
        max(run.seconds for run in runs),
        list(map(shown, slowest.values)) if shows_values else None,
        plan,
        [*failures(runs), *repeated(asked_by), *verdicts],
    )


async def _judged(
    plans: PlanReader, run: Run, *, may_run: bool, hides_texts: bool
) -> tuple[Plan | None, list[Verdict]]:
    try:
        if may_run:
            found = await plans.analyzed(run.sent, run.values, hides_texts=hides_texts)
        else:
            found = Found(await plans.plan(run.sent, hides_texts=hides_texts))
    except Exception as error:
        code = sqlstate_of(error)
        if not code:
            raise
        text = f"PostgreSQL makes no plan for it: {type(error).__name__}, SQLSTATE {code}."
        return None, [Verdict(Kind.REFUSED, text)]
    table_rows = await plans.table_rows(found.plan.relations)
    return found.plan, ([found.trouble] if found.trouble else []) + slow(found.plan, run.seconds) + of_plan(
        found.plan, table_rows
    )


def failures(runs: Sequence[Run]) -> list[Verdict]:
    errors = Counter(run.error for run in runs if run.error)
    return [
        Verdict(Kind.REFUSED, f"It failed: {error} ({times} of {len(runs)} runs).") for error, times in errors.items()
    ]


def repeated(asked_by: Sequence[Asking]) -> list[Verdict]:
    return [
        Verdict(Kind.N_PLUS_ONE, f"{asking.path or 'An unknown field'} asked {asking.times} times, once for each row.")
        for asking in asked_by
        if asking.times > REPEATS
    ]


def without_texts(sent: str) -> str:
    return QUOTED.sub("'…'", sent)


def shown(value: Any) -> Any:  # noqa: ANN401 - a value of a statement, and JSON.
    if isinstance(value, list | tuple):
        return list(map(shown, value))
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
