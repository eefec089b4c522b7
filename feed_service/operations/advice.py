"""What to do, by urgency: lines of rules that look at figures, each with the figures that made it speak."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from feed_service.operations.parts import Part, Table

Severity = Literal["critical", "warning", "notice"]
ORDER: Sequence[Severity] = ("critical", "warning", "notice")


@dataclass(frozen=True)
class Advice:
    """`part`: the name of the part of the report that shows more. `evidence` is measured, never supposed."""

    severity: Severity
    part: str
    what: str
    evidence: str
    remedy: str


def by_urgency(lines: Iterable[Advice]) -> list[Advice]:
    return sorted(lines, key=lambda line: ORDER.index(line.severity))


def advice_part(lines: Sequence[Advice]) -> Part:
    rows = [(line.severity, line.part, line.what, line.evidence, line.remedy) for line in lines]
    return Part(
        "advice",
        "What to do",
        (),
        [
            Table(
                "By urgency",
                ("severity", "see", "what", "evidence", "what to do"),
                rows,
                "Nothing that these rules know of.",
            )
        ],
    )
