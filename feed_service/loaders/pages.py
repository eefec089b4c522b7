"""Rows of `per_parent` statements as one page per parent."""

from collections.abc import Sequence
from typing import Any

from feed_service.loaders.align import many_per_key
from feed_service.paging import Item, Page, Slice, Sort


def page_per_parent(parent_ids: Sequence[int], rows: Sequence[Any], sort: Sort, part: Slice) -> list[Page[Item]]:
    """One page of (id, sort key) for each parent, from rows (parent id, item id, sort columns) in reading direction."""
    return [
        Page.cut([Item(row.item_id, sort.key(row)) for row in found], part)
        for found in many_per_key(parent_ids, rows, key=lambda row: int(row.parent_id))
    ]
