"""Tags and categories."""

from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.errors import BadUserInput
from feed_service.rows import is_a
from feed_service.schema.connections import (
    After,
    Before,
    Connection,
    ConnectionRow,
    First,
    Last,
    page_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.enums import PostOrder
from feed_service.schema.interfaces import Node
from feed_service.schema.lazy import LazyPost, LazyTag
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

    @strawberry.field(description="Published posts with this tag.")
    async def post_count(tag: strawberry.Parent[models.Tag], info: Info) -> int:
        return (await info.context.loaders.load(loaders.stats.by_tag_id, tag.id)).post_count

    @strawberry.field(description="People who follow this tag.")
    async def follower_count(tag: strawberry.Parent[models.Tag], info: Info) -> int:
        return (await info.context.loaders.load(loaders.stats.by_tag_id, tag.id)).follower_count

    @strawberry.field(
        description="(3 + authors who used it in the last 24 hours) / (3 + those of the 24 hours before): "
        "above 1 it rises."
    )
    async def trend_score(tag: strawberry.Parent[models.Tag], info: Info) -> float:
        return await info.context.loaders.load(loaders.tags.trend_score_by_id, tag.id)

    @strawberry.field(
        graphql_type=Connection[LazyPost],
        description="Published posts with this tag. Orders: NEWEST, OLDEST, and TOP among the newest 2,000.",
    )
    async def posts(
        tag: strawberry.Parent[models.Tag],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[PostOrder, strawberry.argument(description="In which order.")] = PostOrder.NEWEST,
    ) -> ConnectionRow:
        named = allowed_order(order, loaders.posts.TAG_ORDERS)
        part = requested_slice(info.context, named, first, after, last, before)
        return await page_under(
            info, tag.id, loaders.posts.by_tag_id, order, order=named, part=part, nodes=loaders.posts.by_id
        )

    @strawberry.field(
        graphql_type=list[LazyTag], description="Tags that often stand beside this one, most often first."
    )
    async def related(
        tag: strawberry.Parent[models.Tag],
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 20.")] = 5,
    ) -> list[models.Tag]:
        if not 1 <= first <= MAX_RELATED:
            raise BadUserInput(f"first must be between 1 and {MAX_RELATED}.")
        ids = await info.context.loaders.load(loaders.tags.related_ids_by_id, tag.id, first)
        found = await info.context.loaders.load_many(loaders.tags.by_id, ids)
        return [related for related in found if related is not None]

    @strawberry.field(description="Whether the viewer follows this tag; null if nobody is signed in.")
    async def viewer_is_following(tag: strawberry.Parent[models.Tag], info: Info) -> bool | None:
        if info.context.viewer.is_anonymous:
            return None
        return await info.context.loaders.load(loaders.tags.is_followed_by_id, tag.id)
