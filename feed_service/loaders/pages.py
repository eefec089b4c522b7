"""Rows of `per_parent` statements as one page per parent."""

from collections.abc import Sequence
from typing import Any

from feed_service.paging import Item, Page, Slice, Sort


def page_per_parent(parent_ids: Sequence[int], rows: Sequence[Any], sort: Sort, part: Slice) -> list[Page[Item]]:
    """One page of (id, sort key) for each parent, from rows (under_id, item_id, sort columns) in reading direction."""
    key, found = sort.key, _nothing_for(parent_ids)
    for row in rows:
        found[row.under_id].append(Item(row.item_id, key(row)))
    return [Page.cut(found[parent_id], part) for parent_id in parent_ids]


def page_of_rows_per_parent(
    parent_ids: Sequence[int], rows: Sequence[Any], sort: Sort, part: Slice
) -> list[Page[Item]]:
    """The same of rows (under_id, sort columns, columns of the entity), which the items keep."""
    key, found = sort.key, _nothing_for(parent_ids)
    for row in rows:
        found[row.under_id].append(Item(row.id, key(row), row))
    return [Page.cut(found[parent_id], part) for parent_id in parent_ids]


def _nothing_for(parent_ids: Sequence[int]) -> dict[int, list[Item]]:
    return {parent_id: [] for parent_id in parent_ids}
