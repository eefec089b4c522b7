"""How the branches of a feed are read: rows `(id, published_at)` in one direction, and bounds that end a scan early.

Any n + 1 posts of a feed bound its page: nothing that comes after the last of them can be on it. So each stage of a
merge reads a few posts of each source, and tells the next stage the time at which to stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Tuple,
    case,
    func,
    literal_column,
    select,
    text,
    tuple_,
)

from feed_service.paging import Slice, Sort
from feed_service.queries.visibility import user_is_live
from feed_service.viewer import Viewer

Rows = Select[*tuple[Any, ...]]
Bound = ColumnElement[Any]

ALWAYS: Bound = literal_column("'-infinity'::timestamptz")
NEVER: Bound = literal_column("'infinity'::timestamptz")

LEAST_ID: Bound = literal_column("0::bigint")
GREATEST_ID: Bound = literal_column("9223372036854775807")

KEPT = text("MATERIALIZED")
"""For what only a bound reads: folded into the bound, it would be priced as if read again for each source."""


def inline(limit: int) -> ColumnElement[int]:
    """A limit that stands in the text: in a generic plan PostgreSQL takes a parameter for a tenth of all rows."""
    return literal_column(str(limit), Integer)


@dataclass(frozen=True)
class Reading:
    """One part of a feed as one viewer reads it. `is_of_few`: right for everybody, quick for those who follow few."""

    viewer: Viewer
    sort: Sort
    part: Slice
    is_of_few: bool = False

    @property
    def size(self) -> int:
        """One more than the page: the post that tells whether the feed goes on."""
        return self.part.limit + 1

    @property
    def is_descending(self) -> bool:
        return self.sort.is_descending != self.part.backwards

    def directions(self, rows: FromClause) -> list[ColumnElement[Any]]:
        keys = (rows.c.published_at, rows.c.id)
        return [key.desc() if self.is_descending else key.asc() for key in keys]

    def in_order(self, rows: FromClause, *columns: ColumnElement[Any]) -> Rows:
        """(id, published_at, columns)."""
        return select(rows.c.id, rows.c.published_at, *columns).order_by(*self.directions(rows))

    def first_of_live_authors(self, found: Rows) -> Rows:
        """The first n + 1 of `found`, rows (id, published_at, author_id) in order, whose authors are live.

        OFFSET 0 keeps the look at each author behind the sort: it then costs n + 1 looks, not one per row.
        """
        rows = found.offset(0).subquery("found")
        return self.in_order(rows, rows.c.author_id).where(user_is_live(rows.c.author_id)).limit(self.size)

    def last_of(self, page: FromClause) -> Bound:
        """The time of the last of n + 1 rows; the end of all times in this direction if there are fewer."""
        time = page.c.published_at
        last, open_end = (func.min(time), ALWAYS) if self.is_descending else (func.max(time), NEVER)
        return select(case((func.count() > self.part.limit, last), else_=open_end)).select_from(page).scalar_subquery()

    def within(self, rows: Rows, sort: Sort, bounds: Sequence[Bound]) -> Rows:
        """The part of `rows`, which `sort` orders by time and id, that lies before the nearest of `bounds`."""
        bounded = rows.where(self.before_nearest(tuple_(*sort.columns), bounds)) if bounds else rows
        return sort.slice(bounded, self.part, ends_early=bool(bounds))

    def before_nearest(self, key: Tuple, bounds: Sequence[Bound]) -> ColumnElement[bool]:
        """One condition, because PostgreSQL ends an index scan by one only.

        It is a row comparison, though the time would do: of two plain comparisons, one for each end, PostgreSQL expects
        one row in 200 to pass, and sorts those few instead of reading them in order.
        """
        if self.is_descending:
            return key >= tuple_(func.greatest(*bounds), LEAST_ID)
        return key <= tuple_(func.least(*bounds), GREATEST_ID)
