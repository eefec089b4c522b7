"""Tags and categories."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.errors import BadUserInput
from feed_service.loaders.stats import TagNumbers
from feed_service.rows import is_a
from feed_service.schema.connections import (
    After,
    Before,
    Connection,
    ConnectionRow,
    First,
    Last,
    pages_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.enums import PostOrder
from feed_service.schema.interfaces import Node
from feed_service.schema.lazy import LazyPost, LazyTag
from feed_service.schema.levels import Rows, level
from feed_service.schema.loading import tags_by_ids
from feed_service.schema.parts import of_page, post_parts
from feed_service.schema.users import allowed_order

MAX_RELATED = 20


@strawberry.type(description="A section of the site; a post stands in at most one.")
class Category(Node):
    slug: str = strawberry.field(description="Unique, for addresses.")
    name: str = strawberry.field(description="The name to show.")
    description: str | None = strawberry.field(description="What belongs here.")

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.Category)


@strawberry.type(description="A word that posts are found by.")
class Tag(Node):
    slug: str = strawberry.field(description="Unique, for addresses.")
    name: str = strawberry.field(description="The name to show.")

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.Tag)

    @level(graphql_type=int, description="Published posts with this tag.")
    async def post_count(tags: Rows[models.Tag], info: Info) -> list[int]:
        return [numbers.post_count for numbers in await numbers_of(info, tags)]

    @level(graphql_type=int, description="People who follow this tag.")
    async def follower_count(tags: Rows[models.Tag], info: Info) -> list[int]:
        return [numbers.follower_count for numbers in await numbers_of(info, tags)]

    @level(
        graphql_type=float,
        description="(3 + authors who used it in the last 24 hours) / (3 + those of the 24 hours before): "
        "above 1 it rises.",
    )
    async def trend_score(tags: Rows[models.Tag], info: Info) -> list[float]:
        return await info.context.loaders.many(loaders.tags.trend_score_by_id, [tag.id for tag in tags])

    @level(
        graphql_type=Connection[LazyPost],
        description="Published posts with this tag. Orders: NEWEST, OLDEST, and TOP among the newest 2,000.",
    )
    async def posts(
        tags: Rows[models.Tag],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[PostOrder, strawberry.argument(description="In which order.")] = PostOrder.NEWEST,
    ) -> list[ConnectionRow]:
        named = allowed_order(order, loaders.posts.TAG_ORDERS)
        part = requested_slice(info.context, named, first, after, last, before)
        batch, ids = loaders.posts.by_tag_id, [tag.id for tag in tags]
        nodes, shown = loaders.posts.by_id, (post_parts(info, of_page),)
        return await pages_under(info, ids, batch, order, order=named, part=part, nodes=nodes, shown=shown)

    @level(graphql_type=list[LazyTag], description="Tags that often stand beside this one, most often first.")
    async def related(
        tags: Rows[models.Tag],
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 20.")] = 5,
    ) -> list[list[models.Tag]]:
        if not 1 <= first <= MAX_RELATED:
            raise BadUserInput(f"first must be between 1 and {MAX_RELATED}.")
        ids = await info.context.loaders.many(loaders.tags.related_ids_by_id, [tag.id for tag in tags], first)
        return await tags_by_ids(info, ids)

    @level(graphql_type=bool | None, description="Whether the viewer follows this tag; null if nobody is signed in.")
    async def viewer_is_following(tags: Rows[models.Tag], info: Info) -> list[bool | None]:
        if info.context.viewer.is_anonymous:
            return [None] * len(tags)
        return list(await info.context.loaders.many(loaders.tags.is_followed_by_id, [tag.id for tag in tags]))


async def numbers_of(info: Info, tags: Sequence[models.Tag]) -> list[TagNumbers]:
    return await info.context.loaders.many(loaders.stats.by_tag_id, [tag.id for tag in tags])
