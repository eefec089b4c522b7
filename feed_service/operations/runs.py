"""One run of a statement, as an operation that is explained has asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from feed_service.fingerprints import fingerprint
from feed_service.statements import name_of_text
from feed_service.watching import Ran


@dataclass(frozen=True)
class Run:
    """One run of a statement. `sent`: its text. `error`: how it ended, if not well. `is_literal`: values are in it."""

    name: str
    fingerprint: str
    sent: str
    values: Sequence[Any]
    seconds: float
    rows: int
    path: str
    is_literal: bool = False
    error: str | None = None

    @classmethod
    def of(cls, ran: Ran, error: str | None = None) -> Self:
        mark = fingerprint(ran.text)
        name, is_literal = f"{name_of_text(ran.text)}-{mark}", ran.sent != ran.text
        return cls(name, mark, ran.sent, ran.values, ran.seconds, ran.rows, ran.path, is_literal, error)
