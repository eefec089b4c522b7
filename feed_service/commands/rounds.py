"""Reconciliation as regular work: round after round over all that is derived, a few seconds in each run.

A small database is gone through in each run. Half a million posts with two million comments take 4 minutes of a core,
which are spread over most of a day. What is wrong is put right at once, logged, audited, and kept in the progress.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from feed_service.commands import drift
from feed_service.commands.drift import KINDS, Drift, Kind
from feed_service.commands.jobs import Job, Progress
from feed_service.commands.reconcile import AT_ONCE, REPAIRED_AT_ONCE, stretch
from feed_service.commands.transaction import Transaction

logger = logging.getLogger(__name__)

RUN_S = 3.0
"""No stretch begins later in a run: of ten minutes, half a percent."""

MOST_FINDINGS = 20
MOST_AGAIN = 100
"""How often a stretch is gone through in which more is wrong than is put right at once."""

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
NAMES = list(BY_NAME)


@dataclass(frozen=True)
class Place:
    """Where a round goes on: at the first thing of the kind from the id `start` on."""

    kind: str = NAMES[0]
    start: int = 0
    again: int = 0

    def after(self, start: int | None) -> Self | None:
        """The next stretch, of the next kind if this one is at its end; None at the end of the round."""
        if start is not None:
            return replace(self, start=start, again=0)
        following = NAMES[NAMES.index(self.kind) + 1 :]
        return replace(self, kind=following[0], start=0, again=0) if following else None


@dataclass
class Round:
    """What one round over everything has found so far; times in ISO 8601."""

    began_at: str
    ended_at: str | None = None
    spent_s: float = 0.0
    checked: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    repaired: int = 0

    def add(self, kind: Kind, checked: int, put_right: Sequence[Drift], spent_s: float) -> None:
        self.checked = dict(Counter(self.checked) + Counter({kind.name: checked}))
        named = Counter(f"{row.table}.{column}" for row in put_right for column in row.columns)
        self.wrong = dict(Counter(self.wrong) + named)
        self.repaired += len(put_right)
        self.spent_s = round(self.spent_s + spent_s, 3)


async def walk(tx: Transaction, job: Job) -> Progress:
    """The step of the job: one stretch, looked at and put right. A run ends with its time, or with the round."""
    began, kept = time.monotonic(), job.progress
    place = Place(**kept["at"]) if kept.get("at") else Place()
    this = Round(**kept["round"]) if kept.get("round") else Round(now())
    kind = BY_NAME[place.kind]
    ids, start = await stretch(tx, kind, place.start, AT_ONCE[kind])
    put_right, is_all = await _put_right(tx, kind, ids)
    is_all = is_all or place.again >= MOST_AGAIN
    following = place.after(start) if is_all else replace(place, again=place.again + 1)
    spent_s = time.monotonic() - began
    this.add(kind, len(ids) if is_all else 0, put_right, spent_s)
    findings = [*(one for row in put_right for one in told(row)), *kept.get("findings", [])][:MOST_FINDINGS]
    spent_s += kept["spent_s"] if job.step is not None else 0.0
    left = {"spent_s": round(spent_s, 3), "findings": findings, "last_round": kept.get("last_round")}
    if following is None:
        this.ended_at = now()
        return Progress(None, left | {"at": None, "round": None, "last_round": asdict(this)})
    left |= {"at": asdict(following), "round": asdict(this)}
    return Progress(following.kind if spent_s < RUN_S else None, left)


async def _put_right(tx: Transaction, kind: Kind, ids: Sequence[int]) -> tuple[list[Drift], bool]:
    """(the rows that were wrong, whether these are all): more than some are not locked at once."""
    differing = await drift.found(tx, kind, ids)
    owners = sorted({row.owner_id for row in differing})
    if not owners:
        return [], True
    put_right = await drift.repaired(tx, kind, owners[:REPAIRED_AT_ONCE])
    for row in put_right:
        logger.error("Drift, put right: %s", row.facts())
    return put_right, len(owners) <= REPAIRED_AT_ONCE


def told(row: Drift) -> Iterator[dict[str, Any]]:
    """A finding for each number that was wrong; one, without a column, for a row that was missing or superfluous."""
    facts, at = row.facts(), now()
    common = {"table": row.table, "id": row.owner_id, "key": row.key, "how": row.how, "at": at}
    stored, wanted = facts.get("stored", {}), facts.get("wanted", {})
    for column in row.columns if row.how == "wrong" else [None]:
        yield common | {"column": column, "stored": stored.get(column), "recounted": wanted.get(column)}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
