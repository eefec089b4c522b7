"""Work in the background: jobs that are late or have failed, and numbers that were found to be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feed_service.operations import figures
from feed_service.operations.asking import Questions
from feed_service.operations.parts import Part, Table
from feed_service.operations.redaction import redacted

LATE_S = 60.0
"""Work that nobody has taken up so long after its time is late; regular work, if its period is not longer."""

JOBS = """
    SELECT id, kind, state, step, every_s, run_after AS due_at, started_at, ran_at, took_s, runs, failures, attempts,
        error, extract(epoch FROM now() - run_after)::float8 AS overdue_s,
        leased_until > now() AS is_held
    FROM jobs WHERE every_s IS NOT NULL OR finished_at IS NULL OR state = 'failed'
    ORDER BY every_s IS NULL, kind, id LIMIT 200
"""


@dataclass(frozen=True)
class Work:
    """A job, or regular work if `every_s` is given. `overdue_s` is below 0 before its time has come."""

    id: int
    kind: str
    state: str
    step: str | None
    every_s: float | None
    due_at: datetime
    started_at: datetime | None
    ran_at: datetime | None
    took_s: float | None
    runs: int
    failures: int
    attempts: int
    error: str | None
    overdue_s: float
    is_held: bool | None

    @property
    def is_late(self) -> bool:
        return self.state != "failed" and not self.is_held and self.overdue_s > max(LATE_S, self.every_s or 0.0)

    @property
    def is_failing(self) -> bool:
        return self.state == "failed" or self.error is not None

    @property
    def standing(self) -> str:
        if self.state == "failed":
            return "FAILED"
        if self.is_late:
            return f"LATE by {figures.duration(self.overdue_s)}"
        return "failing" if self.is_failing else "at work" if self.is_held else "in time"


@dataclass(frozen=True)
class Upkeep:
    work: Sequence[Work]


async def upkeep(ask: Questions) -> Upkeep:
    return Upkeep([Work(**row) for row in await ask.rows(JOBS)])


def upkeep_part(found: Upkeep) -> Part:
    late = sum(work.is_late for work in found.work)
    failing = sum(work.is_failing for work in found.work)
    regular = [work for work in found.work if work.every_s is not None]
    once = [work for work in found.work if work.every_s is None]
    line = f"{len(regular):,} regular, and {len(once):,} that are not done; {late:,} are late, {failing:,} failing."
    nobody = "None: `feed-service serve` or `worker` has not run on this database yet."
    tables = (
        Table("Regular work", REGULAR, [_regular(work) for work in regular], nobody),
        Table("Jobs", ONCE, [_once(work) for work in once]),
    )
    return Part("jobs", "Jobs", [line], tables)


REGULAR = ("kind", "standing", "every", "last run", "#took", "#runs", "#failures", "last error")
ONCE = ("id", "kind", "standing", "step", "due", "#attempts", "last error")


def _regular(work: Work) -> tuple[str, ...]:
    return (
        work.kind,
        work.standing,
        figures.duration(work.every_s),
        figures.moment(work.ran_at),
        figures.NONE if work.took_s is None else figures.duration(work.took_s),
        figures.number(work.runs),
        figures.number(work.failures),
        redacted(work.error or figures.NONE),
    )


def _once(work: Work) -> tuple[str, ...]:
    return (
        str(work.id),
        work.kind,
        work.standing,
        work.step or figures.NONE,
        figures.moment(work.due_at),
        figures.number(work.attempts),
        redacted(work.error or figures.NONE),
    )
