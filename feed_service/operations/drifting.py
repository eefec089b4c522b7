"""Stored numbers that were wrong, as the regular reconciliation has found them and put them right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feed_service.operations import figures
from feed_service.operations.asking import Questions
from feed_service.operations.parts import Part, Table

KEPT = "SELECT progress FROM jobs WHERE kind = 'reconcile' AND every_s IS NOT NULL"


@dataclass(frozen=True)
class Finding:
    """A number that was `stored` wrong; without a column, a row that was missing or superfluous (`how`)."""

    at: str
    table: str
    column: str | None
    id: int
    how: str
    stored: Any
    recounted: Any

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Finding":
        return cls(**{name: told.get(name) for name in cls.__dataclass_fields__})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Round:
    """One way through all that is derived. `wrong`: rows by number. `ended_at` is None while it is under way."""

    began_at: str
    ended_at: str | None
    checked: Mapping[str, int]
    wrong: Mapping[str, int]
    repaired: int

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> "Round | None":
        return None if told is None else cls(**{name: told[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Drifting:
    """`last` is the last whole round. All are None or empty where none has begun."""

    last: Round | None
    current: Round | None
    findings: Sequence[Finding]

    @property
    def rounds(self) -> Sequence[Round]:
        return [each for each in (self.last, self.current) if each is not None]

    @property
    def wrong(self) -> Mapping[str, int]:
        """Rows that were wrong in the last round and in the one under way, by number."""
        names = sorted({name for each in self.rounds for name in each.wrong})
        return {name: sum(each.wrong.get(name, 0) for each in self.rounds) for name in names}


async def drifting(ask: Questions) -> Drifting:
    rows = await ask.rows(KEPT)
    kept = rows[0]["progress"] if rows else {}
    findings = [Finding.of(told) for told in kept.get("findings") or ()]
    return Drifting(Round.of(kept.get("last_round")), Round.of(kept.get("round")), findings)


def drifting_part(found: Drifting) -> Part:
    lines = [_told(each) for each in found.rounds] or [
        "Not known: no round has begun. The regular work `reconcile` recounts everything, a few seconds at a time."
    ]
    columns = ("at", "number", "#id", "how", "#stored", "#recounted")
    rows = [
        (
            each.at,
            f"{each.table}.{each.column}" if each.column else each.table,
            str(each.id),
            each.how,
            figures.NONE if each.stored is None else str(each.stored),
            figures.NONE if each.recounted is None else str(each.recounted),
        )
        for each in found.findings
    ]
    return Part("drift", "Drift of stored numbers", lines, [Table("Put right last", columns, rows)])


def _told(each: Round) -> str:
    checked = ", ".join(f"{number:,} {kind}" for kind, number in each.checked.items()) or "nothing yet"
    wrong = ", ".join(f"{name} {number:,}" for name, number in each.wrong.items()) or "nothing"
    when = f"to {each.ended_at}" if each.ended_at else "is under way"
    put_right = figures.several(each.repaired, "row", "rows")
    return f"The round from {each.began_at} {when}: looked at {checked}; wrong: {wrong}; {put_right} put right."
