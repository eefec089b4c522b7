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
    cursors_of,
    pages_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.enums import CannotFollowReason, PostOrder
from feed_service.schema.interfaces import Node
from feed_service.schema.lazy import LazyPost, LazyTag, LazyUser
from feed_service.schema.levels import Rows, level
from feed_service.schema.parts import of_page, post_parts
from feed_service.schema.scalars import Markdown
from feed_service.schema.selection import columns_for, told_by
from feed_service.schema.stats import UserStats

STATE_COLUMNS = {
    "isFollowing": {"is_following"},
    "followsViewer": {"follows_viewer"},
    "isBlocking": {"is_blocking"},
    "isBlockedBy": {"is_blocked_by"},
    "isMuting": {"is_muting"},
    "canFollow": {"is_blocking", "is_blocked_by"},
    "cannotFollowReasons": {"is_blocking", "is_blocked_by"},
}
"""What each field of `UserViewerState` needs of `viewer_states.by_user_id`."""

state_columns = columns_for(STATE_COLUMNS)


@strawberry.type(description="A person in a list of followers or of followed people.")
class FollowEdge:
    node: LazyUser = strawberry.field(description="The person.")

    @level(graphql_type=str, description=CURSOR)
    def cursor(edges: Rows[EdgeRow], info: Info) -> list[str]:
        return cursors_of(info, edges)

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

    @level(graphql_type=UserStats, description="This user's public numbers.")
    async def stats(users: Rows[models.User], info: Info) -> list[Any]:
        return await info.context.loaders.many(loaders.stats.by_user_id, [user.id for user in users])

    @level(graphql_type=Connection[LazyPost], description="This user's published posts. Orders: NEWEST, OLDEST, TOP.")
    async def posts(
        users: Rows[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[PostOrder, strawberry.argument(description="In which order.")] = PostOrder.NEWEST,
    ) -> list[ConnectionRow]:
        named = allowed_order(order, loaders.posts.AUTHOR_ORDERS)
        part = requested_slice(info.context, named, first, after, last, before)
        batch, ids = loaders.posts.by_author_id, [user.id for user in users]
        nodes, shown = loaders.posts.by_id, (post_parts(info, of_page),)
        return await pages_under(info, ids, batch, order, order=named, part=part, nodes=nodes, shown=shown)

    @level(graphql_type=FollowConnection, description="Who follows this user, newest follow first.")
    async def followers(
        users: Rows[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> list[ConnectionRow]:
        order = loaders.follows.FOLLOWERS
        part = requested_slice(info.context, order, first, after, last, before)
        batch = loaders.follows.followers_by_user_id
        ids = [user.id for user in users]
        return await pages_under(info, ids, batch, order=order, part=part, nodes=loaders.users.whoever_by_id)

    @level(graphql_type=FollowConnection, description="Whom this user follows, newest follow first.")
    async def following(
        users: Rows[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> list[ConnectionRow]:
        order = loaders.follows.FOLLOWING
        part = requested_slice(info.context, order, first, after, last, before)
        batch = loaders.follows.following_by_user_id
        ids = [user.id for user in users]
        return await pages_under(info, ids, batch, order=order, part=part, nodes=loaders.users.whoever_by_id)

    @level(graphql_type=Connection[LazyTag], description="The tags this user follows, newest follow first.")
    async def followed_tags(
        users: Rows[models.User],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> list[ConnectionRow]:
        order = loaders.tags.FOLLOWED_TAGS
        part = requested_slice(info.context, order, first, after, last, before)
        batch = loaders.tags.followed_by_user_id
        ids = [user.id for user in users]
        return await pages_under(info, ids, batch, order=order, part=part, nodes=loaders.tags.by_id)

    @level(
        graphql_type=UserViewerState | None,
        description="What stands between this user and the viewer; null if nobody is signed in.",
    )
    async def viewer_state(users: Rows[models.User], info: Info) -> list[Any]:
        if info.context.viewer.is_anonymous:
            return [None] * len(users)
        wanted, ids = told_by(info, state_columns), [user.id for user in users]
        return await info.context.loaders.many(loaders.viewer_states.by_user_id, ids, wanted)


def allowed_order(order: PostOrder, allowed: dict[PostOrder, Any]) -> Any:  # noqa: ANN401 - what the order stands for.
    """Raises BadUserInput, naming those that can be used, for an order that this list does not come in."""
    if order not in allowed:
        raise BadUserInput(f"This list comes in the orders {', '.join(allowed)}, not {order}.")
    return allowed[order]
