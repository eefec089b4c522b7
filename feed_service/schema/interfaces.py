"""What several object types have in common."""

from datetime import datetime
from typing import Any

import strawberry

from feed_service import loaders, models
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
    cursor_of,
    page_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.ids import encode
from feed_service.schema.lazy import LazyUser


@strawberry.interface(description="Anything with an id of its own, by which it can be fetched again.")
class Node:
    @strawberry.field(description="Opaque, and unique among everything.")
    def id(parent: strawberry.Parent[Any]) -> strawberry.ID:
        # The class of a row is called as its GraphQL type is.
        return encode(type(parent).__name__, parent.id)


@strawberry.type(description="Somebody who likes something.")
class LikerEdge:
    node: LazyUser = strawberry.field(description="Who likes it.")

    @strawberry.field(description=CURSOR)
    def cursor(parent: strawberry.Parent[EdgeRow], info: Info) -> str:
        return cursor_of(info, parent)

    @strawberry.field(description="Since when.")
    def liked_at(parent: strawberry.Parent[EdgeRow]) -> datetime:
        return parent.item.key[0]  # type: ignore[no-any-return]


@strawberry.type(description="One page of those who like something, newest like first.")
class LikerConnection:
    edges: list[LikerEdge] = strawberry.field(description="The people with the time of their like.")
    nodes: list[LazyUser] = strawberry.field(description="The people alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")


@strawberry.interface(description="What can be liked.")
class Likeable:
    @strawberry.field(description="Opaque, and unique among everything.")
    def id(parent: strawberry.Parent[Any]) -> strawberry.ID:
        return encode(type(parent).__name__, parent.id)

    @strawberry.field(description="How many people like it.")
    async def like_count(parent: strawberry.Parent[Any], info: Info) -> int:
        stats = loaders.stats.by_post_id if is_a(parent, models.Post) else loaders.stats.by_comment_id
        return int((await info.context.loaders.load(stats, parent.id)).like_count)

    @strawberry.field(graphql_type=LikerConnection, description="Who likes it, newest like first.")
    async def likers(
        parent: strawberry.Parent[Any],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> ConnectionRow:
        is_post = is_a(parent, models.Post)
        order = loaders.likes.POST_LIKERS if is_post else loaders.likes.COMMENT_LIKERS
        part = requested_slice(info.context, order, first, after, last, before)
        batch = loaders.likes.likers_by_post_id if is_post else loaders.likes.likers_by_comment_id
        return await page_under(info, parent.id, batch, order=order, part=part, nodes=loaders.users.by_id)

    @strawberry.field(description="Whether the viewer likes it; null if nobody is signed in.")
    async def viewer_has_liked(parent: strawberry.Parent[Any], info: Info) -> bool | None:
        if info.context.viewer.is_anonymous:
            return None
        if is_a(parent, models.Post):
            return bool((await info.context.loaders.load(loaders.viewer_states.by_post_id, parent.id)).has_liked)
        return await info.context.loaders.load(loaders.likes.has_liked_by_comment_id, parent.id)
