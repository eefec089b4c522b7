"""Users, their lists, and what stands between them and the viewer."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.errors import BadUserInput
from feed_service.rows import is_a
from feed_service.schema.connections import (
    CURSOR,
    After,
    Before,
    Connection,
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
from feed_service.schema.enums import CannotFollowReason, PostOrder
from feed_service.schema.interfaces import Node
from feed_service.schema.lazy import LazyPost, LazyTag, LazyUser
from feed_service.schema.scalars import Markdown
from feed_service.schema.stats import UserStats


@strawberry.type(description="A person in a list of followers or of followed people.")
class FollowEdge:
    node: LazyUser = strawberry.field(description="The person.")

    @strawberry.field(description=CURSOR)
    def cursor(parent: strawberry.Parent[EdgeRow], info: Info) -> str:
        return cursor_of(info, parent)

    @strawberry.field(description="Since when the follow stands.")
    def followed_at(parent: strawberry.Parent[EdgeRow]) -> datetime:
        return parent.item.key[0]  # type: ignore[no-any-return]


@strawberry.type(description="One page of followers or of followed people, newest follow first.")
class FollowConnection:
    edges: list[FollowEdge] = strawberry.field(description="The people with the time of the follow.")
    nodes: list[LazyUser] = strawberry.field(description="The people alone.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")


@strawberry.type(description="What stands between the viewer and another user.")
class UserViewerState:
    is_following: bool = strawberry.field(description="The viewer follows this user.")
    follows_viewer: bool = strawberry.field(description="This user follows the viewer.")
    is_blocking: bool = strawberry.field(description="The viewer blocks this user.")
    is_blocked_by: bool = strawberry.field(description="This user blocks the viewer.")
    is_muting: bool = strawberry.field(description="The viewer keeps this user out of feeds.")

    @strawberry.field(description="This user is the viewer.")
    def is_self(parent: strawberry.Parent[Any], info: Info) -> bool:
        return bool(parent.user_id == info.context.viewer.user_id)

    @strawberry.field(description="The viewer may follow this user, or does already.")
    def can_follow(parent: strawberry.Parent[Any], info: Info) -> bool:
        return not cannot_follow_reasons(parent, info.context.viewer.user_id)

    @strawberry.field(description="Why the viewer may not; empty if `canFollow`.")
    def cannot_follow_reasons(parent: strawberry.Parent[Any], info: Info) -> list[CannotFollowReason]:
        return cannot_follow_reasons(parent, info.context.viewer.user_id)


def cannot_follow_reasons(state: Any, viewer_id: int | None) -> list[CannotFollowReason]:  # noqa: ANN401 - a row.
    reasons = {
        CannotFollowReason.SELF: state.user_id == viewer_id,
        CannotFollowReason.BLOCKING: state.is_blocking,
        CannotFollowReason.BLOCKED_BY: state.is_blocked_by,
    }
    return [reason for reason, holds in reasons.items() if holds]


@strawberry.type(description="Somebody who posts, comments, follows and likes.")
class User(Node):
    username: str = strawberry.field(description="Unique; upper and lower case are the same.")
    display_name: str = strawberry.field(description="The name to show.")
    bio: Markdown | None = strawberry.field(description="What the user says of themselves.")
    avatar_url: str | None = strawberry.field(description="Where the user's picture is.")
    created_at: datetime = strawberry.field(description="When the user signed up.")

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.User)

    @strawberry.field(graphql_type=UserStats, description="This user's public numbers.")
    async def stats(user: strawberry.Parent[models.User], info: Info) -> Any:  # noqa: ANN401 - a row.
        return await info.context.loaders.load(loaders.stats.by_user_id, user.id)

    @strawberry.field(
        graphql_type=Connection[LazyPost], description="This user's published posts. Orders: NEWEST, OLDEST, TOP."
    )
    async def posts(
        user: strawberry.Parent[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[PostOrder, strawberry.argument(description="In which order.")] = PostOrder.NEWEST,
    ) -> ConnectionRow:
        named = allowed_order(order, loaders.posts.AUTHOR_ORDERS)
        part = requested_slice(info.context, named, first, after, last, before)
        return await page_under(
            info, user.id, loaders.posts.by_author_id, order, order=named, part=part, nodes=loaders.posts.by_id
        )

    @strawberry.field(graphql_type=FollowConnection, description="Who follows this user, newest follow first.")
    async def followers(
        user: strawberry.Parent[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> ConnectionRow:
        order = loaders.follows.FOLLOWERS
        part = requested_slice(info.context, order, first, after, last, before)
        batch = loaders.follows.followers_by_user_id
        return await page_under(info, user.id, batch, order=order, part=part, nodes=loaders.users.by_id)

    @strawberry.field(graphql_type=FollowConnection, description="Whom this user follows, newest follow first.")
    async def following(
        user: strawberry.Parent[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> ConnectionRow:
        order = loaders.follows.FOLLOWING
        part = requested_slice(info.context, order, first, after, last, before)
        batch = loaders.follows.following_by_user_id
        return await page_under(info, user.id, batch, order=order, part=part, nodes=loaders.users.by_id)

    @strawberry.field(graphql_type=Connection[LazyTag], description="The tags this user follows, newest follow first.")
    async def followed_tags(
        user: strawberry.Parent[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> ConnectionRow:
        order = loaders.tags.FOLLOWED_TAGS
        part = requested_slice(info.context, order, first, after, last, before)
        batch = loaders.tags.followed_by_user_id
        return await page_under(info, user.id, batch, order=order, part=part, nodes=loaders.tags.by_id)

    @strawberry.field(
        graphql_type=UserViewerState | None,
        description="What stands between this user and the viewer; null if nobody is signed in.",
    )
    async def viewer_state(user: strawberry.Parent[models.User], info: Info) -> Any:  # noqa: ANN401 - a row.
        if info.context.viewer.is_anonymous:
            return None
        return await info.context.loaders.load(loaders.viewer_states.by_user_id, user.id)


def allowed_order(order: PostOrder, allowed: dict[PostOrder, Any]) -> Any:  # noqa: ANN401 - what the order stands for.
    """Raises BadUserInput, naming those that can be used, for an order that this list does not come in."""
    if order not in allowed:
        raise BadUserInput(f"This list comes in the orders {', '.join(allowed)}, not {order}.")
    return allowed[order]
