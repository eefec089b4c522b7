"""The tables that only ever grow: a partition for each month, made ahead and dropped when its rows have been kept."""

import re
from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Partition:
    """As `queries.partitions.listed` tells it."""

    table_name: str
    name: str
    begins_at: datetime | None
    ends_at: datetime | None
    is_default: bool
    rows: int
    bytes: int
    heap_bytes: int

    def holds(self, month: Month) -> bool:
        if self.is_default or self.ends_at is None:
            return False
        return (self.begins_at is None or self.begins_at <= month.start) and month.later(1).start <= self.ends_at


def missing(partitions: Iterable[Partition], now: datetime) -> list[tuple[Monthly, Month]]:
    """What there should be, for this month and those `AHEAD`, and is not."""
    there, this = list(partitions), Month.of(now)
    months = [this.later(number) for number in range(AHEAD + 1)]
    return [
        (monthly, month)
        for monthly in MONTHLY
        for month in months
        if not any(one.table_name == monthly.table and one.holds(month) for one in there)
    ]
