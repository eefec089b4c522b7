"""Mutations of what stands between two people: blocks and mutes."""

import strawberry

from feed_service.commands import blocks, mutes
from feed_service.schema.accounts import UserId, UserPayload
from feed_service.schema.context import Info
from feed_service.schema.mutations.follows import towards
from feed_service.schema.payloads import Outcome


@strawberry.type(description="What `blockUser` and `unblockUser` answer.")
class BlockPayload(UserPayload):
    """The user whom it concerns."""


@strawberry.type(description="What `muteUser` and `unmuteUser` answer.")
class MutePayload(UserPayload):
    """The user whom it concerns."""


@strawberry.type
class RelationshipMutations:
    @strawberry.mutation(
        graphql_type=BlockPayload,
        description="Block a user: neither sees what the other writes, and the follows both ways end.",
    )
    async def block_user(self, info: Info, id: UserId) -> Outcome:  # noqa: A002
        return await towards(info, blocks.block_user, id)

    @strawberry.mutation(graphql_type=BlockPayload, description="Lift a block; the follows do not come back.")
    async def unblock_user(self, info: Info, id: UserId) -> Outcome:  # noqa: A002
        return await towards(info, blocks.unblock_user, id)

    @strawberry.mutation(
        graphql_type=MutePayload, description="Keep a user's posts out of the viewer's feeds; the user is not told."
    )
    async def mute_user(self, info: Info, id: UserId) -> Outcome:  # noqa: A002
        return await towards(info, mutes.mute_user, id)

    @strawberry.mutation(graphql_type=MutePayload, description="Let a user's posts into the viewer's feeds again.")
    async def unmute_user(self, info: Info, id: UserId) -> Outcome:  # noqa: A002
        return await towards(info, mutes.unmute_user, id)
