"""What the viewer has saved, and the collections it stands on."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.commands.permissions import signed_in
from feed_service.rows import is_a
from feed_service.schema.connections import (
    CURSOR,
    After,
    Before,
    ConnectionRow,
    EdgeRow,
    First,
    Last,
    PageInfo,
    cursors_of,
    pages_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as
from feed_service.schema.interfaces import Node
from feed_service.schema.lazy import LazyPost
from feed_service.schema.levels import Rows, level
from feed_service.schema.loading import lists_of

CollectionId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only what stands on this one of the viewer's collections.")
]


@strawberry.type(description="A named shelf of the viewer's bookmarks, which nobody else sees.")
class BookmarkCollection(Node):
    name: str = strawberry.field(description="Unique among the viewer's; upper and lower case are the same.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.BookmarkCollection)


@strawberry.type(description="A bookmark of the viewer.")
class BookmarkEdge:
    node: LazyPost = strawberry.field(description="What was saved.")

    @level(graphql_type=str, description=CURSOR)
    def cursor(edges: Rows[EdgeRow], info: Info) -> list[str]:
        return cursors_of(info, edges)

    @strawberry.field(description="Since when.")
    def saved_at(parent: strawberry.Parent[EdgeRow]) -> datetime:
        return parent.item.key[0]  # type: ignore[no-any-return]


@strawberry.type(description="One page of the viewer's bookmarks, saved last first.")
class BookmarkConnection:
    edges: list[BookmarkEdge] = strawberry.field(description="The posts with the time they were saved at.")
    nodes: list[LazyPost] = strawberry.field(description="The posts alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")


@strawberry.type
class SavedByViewer:
    """Fields of `Viewer`."""

    @level(
        graphql_type=BookmarkConnection,
        description="The posts that the viewer has saved, saved last first; those that cannot be seen are left out.",
    )
    async def bookmarks(
        viewers: Rows[object],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        collection_id: CollectionId = None,
    ) -> list[ConnectionRow]:
        user_id, posts = signed_in(info.context.viewer), loaders.posts.by_id
        if collection_id is None:
            order = loaders.bookmarks.SAVED
            part = requested_slice(info.context, order, first, after, last, before)
            batch, keys = loaders.bookmarks.saved_by_user_id, [user_id] * len(viewers)
            return await pages_under(info, keys, batch, order=order, part=part, nodes=posts)
        shelf = decode_as("BookmarkCollection", collection_id)
        order = loaders.bookmarks.order_in(shelf)
        part = requested_slice(info.context, order, first, after, last, before)
        return await pages_under(
            info,
            [shelf] * len(viewers),
            loaders.bookmarks.saved_by_collection_id,
            order=order,
            part=part,
            nodes=posts,
        )

    @level(graphql_type=list[BookmarkCollection], description="The viewer's collections, by name; up to 100.")
    async def bookmark_collections(viewers: Rows[object], info: Info) -> list[list[models.BookmarkCollection]]:
        keys = [signed_in(info.context.viewer)] * len(viewers)
        return await info.context.loaders.many(loaders.bookmarks.collections_by_user_id, keys)


async def collections_of_posts(info: Info, post_ids: list[int]) -> list[list[models.BookmarkCollection]]:
    """The viewer's collections that each post stands on, by name."""
    ids = await info.context.loaders.many(loaders.bookmarks.collection_ids_by_post_id, post_ids)
    return await lists_of(info, loaders.bookmarks.collection_by_id, ids)
