"""What several object types have in common."""

from datetime import datetime
from typing import Any

import strawberry

from feed_service import loaders
from feed_service.paging import Order
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
from feed_service.schema.ids import ids_of
from feed_service.schema.lazy import LazyUser
from feed_service.schema.levels import Rows, level
from feed_service.schema.loading import by_kind, stats_of_posts


@strawberry.interface(description="Anything with an id of its own, by which it can be fetched again.")
class Node:
    @level(graphql_type=strawberry.ID, description="Opaque, and unique among everything.")
    def id(rows: Rows[Any]) -> list[strawberry.ID]:
        return ids_of(rows)


@strawberry.type(description="Somebody who likes something.")
class LikerEdge:
    node: LazyUser = strawberry.field(description="Who likes it.")

    @level(graphql_type=str, description=CURSOR)
    def cursor(edges: Rows[EdgeRow], info: Info) -> list[str]:
        return cursors_of(info, edges)

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
    @level(graphql_type=strawberry.ID, description="Opaque, and unique among everything.")
    def id(rows: Rows[Any]) -> list[strawberry.ID]:
        return ids_of(rows)

    @level(graphql_type=int, description="How many people like it.")
    async def like_count(rows: Rows[Any], info: Info) -> list[int]:
        async def of_comments(comments: list[Any]) -> list[Any]:
            ids = [comment.id for comment in comments]
            return await info.context.loaders.many(loaders.stats.by_comment_id, ids)

        async def of_posts(posts: list[Any]) -> list[Any]:
            return await stats_of_posts(info, posts)

        return [int(numbers.like_count) for numbers in await by_kind(rows, of_posts, of_comments)]

    @level(graphql_type=LikerConnection, description="Who likes it, newest like first.")
    async def likers(
        rows: Rows[Any],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> list[ConnectionRow]:
        async def pages(of: list[Any], order: Order, batch: Any) -> list[ConnectionRow]:  # noqa: ANN401 - either's.
            part = requested_slice(info.context, order, first, after, last, before)
            ids, nodes = [row.id for row in of], loaders.users.whoever_by_id
            return await pages_under(info, ids, batch, order=order, part=part, nodes=nodes)

        return await by_kind(
            rows,
            lambda posts: pages(posts, loaders.likes.POST_LIKERS, loaders.likes.likers_by_post_id),
            lambda comments: pages(comments, loaders.likes.COMMENT_LIKERS, loaders.likes.likers_by_comment_id),
        )

    @level(graphql_type=bool | None, description="Whether the viewer likes it; null if nobody is signed in.")
    async def viewer_has_liked(rows: Rows[Any], info: Info) -> list[bool | None]:
        many = info.context.loaders.many
        if info.context.viewer.is_anonymous:
            return [None] * len(rows)

        async def of_posts(posts: list[Any]) -> list[bool | None]:
            states = await many(loaders.viewer_states.by_post_id, [post.id for post in posts], HAS_LIKED)
            return [bool(state.has_liked) for state in states]

        async def of_comments(comments: list[Any]) -> list[bool | None]:
            return list(await many(loaders.likes.has_liked_by_comment_id, [comment.id for comment in comments]))

        return await by_kind(rows, of_posts, of_comments)


HAS_LIKED = frozenset({"has_liked"})
