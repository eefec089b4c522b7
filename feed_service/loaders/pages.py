"""Rows of `per_parent` statements as one page per parent."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from feed_service.loaders.align import many_per_key
from feed_service.paging import Item, Page, Slice, Sort


def page_per_parent(parent_ids: Sequence[int], rows: Sequence[Any], sort: Sort, part: Slice) -> list[Page[Item]]:
    """One page of (id, sort key) for each parent, from rows (under_id, item_id, sort columns) in reading direction."""
    key = sort.key
    return _pages(parent_ids, rows, lambda row: Item(row.item_id, key(row)), part)


def page_of_rows_per_parent(
    parent_ids: Sequence[int], rows: Sequence[Any], sort: Sort, part: Slice
) -> list[Page[Item]]:
    """The same of rows (under_id, sort columns, columns of the entity), which the items keep."""
    key = sort.key
    return _pages(parent_ids, rows, lambda row: Item(row.id, key(row), row), part)


def _pages(
    parent_ids: Sequence[int], rows: Sequence[Any], item: Callable[[Any], Item], part: Slice
) -> list[Page[Item]]:
    found = many_per_key(parent_ids, rows, key=attrgetter("under_id"))
    return [Page.cut([item(row) for row in of_parent], part) for of_parent in found]
