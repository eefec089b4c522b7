"""Search: one list of posts, people and tags by relevance."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry

from feed_service import loaders
from feed_service.errors import BadUserInput
from feed_service.loaders.search import MAX_WORDS_LENGTH, Found, Search
from feed_service.paging import Item, Page, Slice
from feed_service.schema.connections import (
    CURSOR,
    ConnectionRow,
    EdgeRow,
    PageInfo,
    cursors_of,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.lazy import LazyPost, LazyTag, LazyUser
from feed_service.schema.levels import Rows, level
from feed_service.vocabulary import SearchType

SearchResult = Annotated[
    LazyPost | LazyUser | LazyTag,
    strawberry.union("SearchResult", description="Something that a search finds."),
]


@strawberry.type(description="Something that a search found.")
class SearchEdge:
    node: SearchResult = strawberry.field(description="What was found.")

    @level(graphql_type=str, description=CURSOR)
    def cursor(edges: Rows[EdgeRow], info: Info) -> list[str]:
        return cursors_of(info, edges)


@strawberry.type(description="One page of what a search found, most relevant first.")
class SearchConnection:
    edges: list[SearchEdge] = strawberry.field(description="What was found, with cursors.")
    nodes: list[SearchResult] = strawberry.field(description="What was found, alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")
    is_capped: bool = strawberry.field(
        description="Whether more than 5,000 posts or names match, of which the newest 5,000 are ranked."
    )


@dataclass
class SearchRow(ConnectionRow):
    is_capped: bool


async def search(
    info: Info,
    query: str,
    types: list[SearchType] | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> SearchRow:
    """Raises BadUserInput for a query without words or longer than 200 characters."""
    words = query.strip()
    if not 1 <= len(words) <= MAX_WORDS_LENGTH:
        raise BadUserInput(f"A search needs 1 to {MAX_WORDS_LENGTH} characters.")
    wanted = frozenset(types or SearchType)
    order = loaders.search.order_of(words, wanted)
    part = requested_slice(info.context, order, first, after, last, before)

    async def load_page(beyond: Slice) -> Page[Found]:
        return await info.context.loaders.load(loaders.search.pages, Search(words, wanted, beyond))

    async def has_items(beyond: Slice) -> bool:
        return bool((await load_page(beyond)).items)

    page = await load_page(part)
    nodes = await _nodes(info, page)
    items = Page([Item(found.id, found.key) for found in page.items], page.has_more)
    edges = [EdgeRow(node, item, order) for node, item in zip(nodes, items.items, strict=True) if node is not None]
    return SearchRow(edges, items, part, order, has_items, any(found.is_capped for found in page.items))


async def _nodes(info: Info, page: Page[Found]) -> list[Any]:
    """The rows of what was found, in order; one batch for each type."""
    by_type = {
        SearchType.POST: loaders.posts.by_id,
        SearchType.USER: loaders.users.by_id,
        SearchType.TAG: loaders.tags.by_id,
    }
    ids: dict[SearchType, list[int]] = defaultdict(list)
    for found in page.items:
        ids[found.type_].append(found.id)
    rows: dict[tuple[SearchType, int], Any] = {}
    for type_, wanted in ids.items():
        batch: Any = by_type[type_]
        for local_id, row in zip(wanted, await info.context.loaders.many(batch, wanted), strict=True):
            rows[type_, local_id] = row
    return [rows[found.type_, found.id] for found in page.items]
