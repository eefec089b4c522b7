"""Snapshots of PostgreSQL: what a transaction could see. Those of one primary are nested, the older in the newer."""

import re
from itertools import pairwise
from typing import NamedTuple, Self

from feed_service.errors import BadUserInput

SNAPSHOT = re.compile(r"(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)", re.ASCII)
MOST_CHARS = 100_000
"""A snapshot names the transactions in progress, which are fewer than the connections of the server."""


class Snapshot(NamedTuple):
    """What a transaction could see: all below `xmax` that had ended, hence none of `open_xids`, `xmin` the first."""

    xmin: int
    xmax: int
    open_xids: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadUserInput for what PostgreSQL cannot have written."""
        found = SNAPSHOT.fullmatch(text) if len(text) <= MOST_CHARS else None
        if found is None:
            raise BadUserInput("This is not a snapshot.")
        xmin, xmax, open_xids = int(found[1]), int(found[2]), [int(xid) for xid in found[3].split(",") if xid]
        in_order = [xmin - 1, *open_xids, xmax] if open_xids else [0, xmin, xmax + 1]
        if not 0 < xmin <= xmax < 2**63 or any(one >= following for one, following in pairwise(in_order)):
            raise BadUserInput("This is not a snapshot.")
        return cls(xmin, xmax, frozenset(open_xids))

    @property
    def text(self) -> str:
        """As PostgreSQL writes it."""
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, sorted(self.open_xids)))}"

    @property
    def order(self) -> tuple[int, int]:
        """Compares as the snapshots do in time: of two that are nested, the larger could see more.

        With the same `xmax`, what was open in the newer one was open in the older one as well.
        """
        return self.xmax, -len(self.open_xids)

    def sees(self, xid: int) -> bool:
        return xid < self.xmax and xid not in self.open_xids

    def includes(self, other: Self) -> bool:
        """Whether all that `other` could see is seen by this one as well."""
        return other.xmax <= self.xmax and not any(other.sees(xid) for xid in self.open_xids)
