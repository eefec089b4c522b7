"""Pages of what a search finds."""

from dataclasses import dataclass
from typing import NamedTuple

from feed_service.loaders.batching import Reader
from feed_service.paging import Key, Order, Page, Slice
from feed_service.queries import search
from feed_service.vocabulary import SearchType

MAX_WORDS_LENGTH = 200


class Found(NamedTuple):
    """One thing that a search found: what it is, its id, and its place (score, type, id)."""

    type_: SearchType
    id: int
    key: Key
    is_capped: bool


@dataclass(frozen=True)
class Search:
    """What is searched for, and which part of what is found is wanted."""

    words: str
    types: frozenset[SearchType]
    part: Slice


TYPES = {code: type_ for type_, code in search.CODES.items()}


def order_of(words: str, types: frozenset[SearchType]) -> Order:
    """A cursor belongs to one search."""
    return Order(f"search:{','.join(sorted(types))}:{words}", search.KEY_TYPES)


async def pages(reader: Reader, searches: list[Search]) -> list[Page[Found]]:
    return [await _page(reader, wanted) for wanted in searches]


async def _page(reader: Reader, wanted: Search) -> Page[Found]:
    rows = await reader.rows(*search.matches(reader.viewer, wanted.words, wanted.types, wanted.part))
    found = [
        Found(TYPES[row.type_code], row.item_id, (row.score, row.type_code, row.item_id), row.is_capped) for row in rows
    ]
    return Page.cut(found, wanted.part)
