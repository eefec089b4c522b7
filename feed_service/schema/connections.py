"""Relay connections over keyset pages: what every list of the schema has in common."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from feed_service import paging
from feed_service.commands.permissions import signed_in
from feed_service.paging import Item, Key, Order, Page, Slice
from feed_service.schema.context import Context, Info
from feed_service.schema.levels import Rows, Values, level

Node = TypeVar("Node")
Made = TypeVar("Made", bound="EdgeRow")

First = Annotated[
    int | None, strawberry.argument(description="How many items from the front, 1 to 100; 20 if neither end is named.")
]
After = Annotated[str | None, strawberry.argument(description="Only items after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many items from the back, 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="Only items before this cursor.")]


def requested_slice(
    context: Context, order: Order, first: int | None, after: str | None, last: int | None, before: str | None
) -> Slice:
    """The slice that the four arguments of a connection ask for.

    Raises:
        BadUserInput: the size is out of bounds, or both ends are named.
        InvalidCursor: a cursor is not one of this list in this order.
    """
    size, backwards = paging.page_size(_given(first), _given(last))
    start, end = (
        None if _given(cursor) is None else context.cursors.decode(order, str(cursor)) for cursor in (after, before)
    )
    return Slice(size, backwards, start, end)


def _given(value: Any) -> Any:  # noqa: ANN401 - an argument of any type.
    return None if value is strawberry.UNSET else value


@dataclass(slots=True)
class EdgeRow:
    """What an edge type reads: the node's row, its place in the list, and how its cursor is written. Never changed."""

    node: Any
    item: Item
    order: Order


@dataclass
class ConnectionRow:
    """What a connection type reads. `has_items` tells whether a slice of the same list holds anything."""

    edges: Sequence[EdgeRow]
    page: Page[Item]
    part: Slice
    order: Order
    has_items: Callable[[Slice], Awaitable[bool]]

    @property
    def nodes(self) -> list[Any]:
        return [edge.node for edge in self.edges]

    @property
    def start_key(self) -> Key | None:
        return self.edges[0].item.key if self.edges else None

    @property
    def end_key(self) -> Key | None:
        return self.edges[-1].item.key if self.edges else None

    @property
    def page_info(self) -> "ConnectionRow":
        return self


def go_on(connections: Sequence[ConnectionRow], *, backwards: bool) -> Values:
    """Whether the lists have items before (`backwards`) or after the pages; asked of the database only if need be."""
    parts = [beyond(connection, backwards=backwards) for connection in connections]
    if not any(isinstance(part, Slice) for part in parts):
        return parts

    async def asked() -> list[bool]:
        both = zip(connections, parts, strict=True)
        return list(await asyncio.gather(*(has_items(connection, part) for connection, part in both)))

    return asked


def beyond(connection: ConnectionRow, *, backwards: bool) -> Slice | bool:
    """The slice that must hold something if the list goes on; or whether it does, if the page has shown that."""
    if connection.part.backwards == backwards and connection.page.has_more:
        return True
    return (connection.part.preceding() if backwards else connection.part.following()) or False


async def has_items(connection: ConnectionRow, part: Slice | bool) -> bool:
    return await connection.has_items(part) if isinstance(part, Slice) else part


@strawberry.type(description="Where a page stands in its list, exact in both directions.")
class PageInfo:
    @level(graphql_type=bool, description="Whether there are items after this page.", may_wait=True)
    def has_next_page(pages: Rows[ConnectionRow]) -> Values:
        return go_on(pages, backwards=False)

    @level(graphql_type=bool, description="Whether there are items before this page.", may_wait=True)
    def has_previous_page(pages: Rows[ConnectionRow]) -> Values:
        return go_on(pages, backwards=True)

    @strawberry.field(description="The cursor of the first item; null on an empty page.")
    def start_cursor(parent: strawberry.Parent[ConnectionRow], info: Info) -> str | None:
        return cursor_at(info, parent.order, parent.start_key)

    @strawberry.field(description="The cursor of the last item; null on an empty page.")
    def end_cursor(parent: strawberry.Parent[ConnectionRow], info: Info) -> str | None:
        return cursor_at(info, parent.order, parent.end_key)


def cursor_at(info: Info, order: Order, key: Key | None) -> str | None:
    return None if key is None else info.context.cursors.encode(order, key)


def cursors_of(info: Info, edges: Sequence[EdgeRow]) -> list[str]:
    encode_all, cursors = info.context.cursors.encode_all, list[str]()
    for order, alike in groupby(edges, attrgetter("order")):
        cursors += encode_all(order, [edge.item.key for edge in alike])
    return cursors


CURSOR = "Where this item stands: opaque, and good for this list in this order only."


@strawberry.type(description="An item of a list and its place in it.")
class Edge(Generic[Node]):
    node: Node = strawberry.field(description="The item.")

    @level(graphql_type=str, description=CURSOR)
    def cursor(edges: Rows[EdgeRow], info: Info) -> list[str]:
        return cursors_of(info, edges)


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]] = strawberry.field(description="The items with their cursors.")
    nodes: list[Node] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")


@strawberry.type(description="A number that is counted up to a limit only.")
class CappedCount:
    value: int = strawberry.field(description="The number, or the limit if there are more.")
    is_capped: bool = strawberry.field(description="Whether there are more than `value`: shown as 99+.")


def connected(
    order: Order,
    part: Slice,
    page: Page[Item],
    nodes: Sequence[Any],
    load_page: Callable[[Slice], Awaitable[Page[Item]]],
) -> ConnectionRow:
    """A page of ids and their rows as a connection."""

    async def has_items(beyond: Slice) -> bool:
        return bool((await load_page(beyond)).items)

    return ConnectionRow(edges_of(page, nodes, EdgeRow, order), page, part, order, has_items)


def edges_of(page: Page[Item], nodes: Sequence[Any], edge: Callable[..., Made], *of: object) -> list[Made]:
    """What `edge` makes of each place and `of`. What was hidden between the two reads, a None, is left out."""
    return [edge(node, item, *of) for node, item in zip(nodes, page.items, strict=True) if node is not None]


def list_of_viewer(
    graphql_type: Any,  # noqa: ANN401 - a type of Strawberry.
    description: str,
    order: Order,
    batch: Callable[..., Awaitable[Sequence[Page[Any]]]],
    nodes: Callable[..., Awaitable[Sequence[Any]]],
) -> Any:  # noqa: ANN401 - a field of Strawberry.
    """A field of `Viewer`: the connection of what hangs on the viewer alone."""

    async def page(
        viewers: Rows[object],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> list[ConnectionRow]:
        part = requested_slice(info.context, order, first, after, last, before)
        keys = [signed_in(info.context.viewer)] * len(viewers)
        return await pages_under(info, keys, batch, order=order, part=part, nodes=nodes)

    return level(graphql_type=graphql_type, description=description)(page)


async def pages_under(
    info: Info,
    keys: Sequence[Any],
    batch: Callable[..., Awaitable[Sequence[Page[Item]]]],
    *args: Any,  # noqa: ANN401 - what the batch function takes between its keys and the slice.
    order: Order,
    part: Slice,
    nodes: Callable[..., Awaitable[Sequence[Any]]] | None = None,
    shown: tuple[Hashable, ...] = (),
) -> list[ConnectionRow]:
    """The connection of each parent key, which are the same part of the same kind of list.

    `nodes` loads the rows of what stands in the pages, and takes `shown` beside their ids. None: the pages bring them.
    """
    loaders = info.context.loaders
    pages = await loaders.many(batch, keys, *args, part)
    if nodes is None:
        rows = [[item.row for item in page.items] for page in pages]
    else:
        ids = [item.id for page in pages for item in page.items]
        found = iter(await loaders.many(nodes, ids, *shown))
        rows = [list(islice(found, len(page.items))) for page in pages]

    def further(key: Any) -> Callable[[Slice], Awaitable[Page[Item]]]:  # noqa: ANN401 - as above.
        return lambda wanted: loaders.load(batch, key, *args, wanted)

    return [
        connected(order, part, page, shown, further(key)) for key, page, shown in zip(keys, pages, rows, strict=True)
    ]
