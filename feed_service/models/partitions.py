"""The tables that only ever grow: a partition for each month, made ahead and dropped when its rows have been kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

VIEWS_KEPT = timedelta(days=100)
"""Analytics look back 90 days."""

CHANGES_KEPT = timedelta(days=7)
"""How long a poller may be away without having to begin anew."""

AHEAD = 3
"""Months after this one for which there are partitions."""


@dataclass(frozen=True)
class Monthly:
    """A table by months of its `column`. Rows are `kept` for that long, and up to a month longer; None: for ever."""

    table: str
    column: str
    kept: timedelta | None

    @property
    def default(self) -> str:
        """The partition of rows for which there is no other."""
        return f"{self.table}_default"

    def named(self, month: "Month") -> str:
        return f"{self.table}_{month.year:04}_{month.number:02}"


MONTHLY: Sequence[Monthly] = (
    Monthly("post_views", "hour", VIEWS_KEPT),
    Monthly("audit_events", "at", None),
    Monthly("change_log", "at", CHANGES_KEPT),
)

_NAME = re.compile(rf"(?:{'|'.join(one.table for one in MONTHLY)})_(?:default|(?:before_)?[0-9]{{4}}_[0-9]{{2}})")


def is_partition(name: str | None) -> bool:
    """Whether a table of this name is made by migrations and upkeep, and described by no model."""
    return name is not None and _NAME.fullmatch(name) is not None


class Month(NamedTuple):
    """A month of the calendar, in UTC. The first is number 1."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The month of an aware time, whatever its zone."""
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    def later(self, months: int) -> "Month":
        year, index = divmod(12 * self.year + self.number - 1 + months, 12)
        return Month(year, index + 1)
