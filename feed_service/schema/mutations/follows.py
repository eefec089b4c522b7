"""Mutations of follows, of people and of tags."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

import strawberry

from feed_service import loaders, models
from feed_service.commands import follows, tag_follows
from feed_service.commands.tag_follows import Tags
from feed_service.commands.transaction import Command
from feed_service.errors import Refused
from feed_service.schema.accounts import UserId, UserPayload
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as
from feed_service.schema.lazy import LazyTag, LazyUser
from feed_service.schema.payloads import MutationPayload, Outcome, Told, performed, performed_on

Key = TypeVar("Key")

UserIds = Annotated[list[strawberry.ID], strawberry.argument(description="Ids of up to 200 users.")]
Slugs = Annotated[list[str], strawberry.argument(description="Slugs of up to 100 tags.")]


@strawberry.type(description="What `followUser` and `unfollowUser` answer.")
class FollowPayload(UserPayload):
    """The user whom it concerns."""


@strawberry.type(
    description="What `followUsers` answers: each user is in `users`, or refused by place in `userErrors`."
)
class BulkFollowPayload(MutationPayload):
    @strawberry.field(graphql_type=list[LazyUser], description="Whom the viewer follows now, in the order asked for.")
    async def users(outcome: strawberry.Parent[Outcome], info: Info) -> list[models.User]:
        found = await info.context.loaders.load_many(loaders.users.by_id, outcome.made or [])
        return [user for user in found if user is not None]


@strawberry.type(description="What mutations of followed tags answer: each tag is in `tags`, or in `userErrors`.")
class TagFollowPayload(MutationPayload):
    @strawberry.field(graphql_type=list[LazyTag], description="Those that were meant, in the order asked for.")
    async def tags(outcome: strawberry.Parent[Outcome], info: Info) -> list[models.Tag]:
        found = await info.context.loaders.load_many(loaders.tags.by_id, outcome.made or [])
        return [tag for tag in found if tag is not None]


@strawberry.type
class FollowMutations:
    @strawberry.mutation(graphql_type=FollowPayload, description="Follow a user.")
    async def follow_user(self, info: Info, id: UserId) -> Outcome:  # noqa: A002
        return await towards(info, follows.follow_user, id)

    @strawberry.mutation(graphql_type=FollowPayload, description="Follow a user no more.")
    async def unfollow_user(self, info: Info, id: UserId) -> Outcome:  # noqa: A002
        return await towards(info, follows.unfollow_user, id)

    @strawberry.mutation(
        graphql_type=BulkFollowPayload,
        description="Follow up to 200 users; those who cannot be followed keep nobody from the others.",
    )
    async def follow_users(self, info: Info, ids: UserIds) -> Outcome:
        user_ids = [decode_as("User", global_id) for global_id in ids]
        outcome = await performed(info, follows.follow_users, user_ids)
        return outcome if outcome.errors else in_part("ids", user_ids, outcome.made.user_ids, outcome.made.refused)

    @strawberry.mutation(
        graphql_type=TagFollowPayload, description="Follow tags, up to 1,000 in sum; those that are not there are told."
    )
    async def follow_tags(self, info: Info, slugs: Slugs) -> Outcome:
        return await tags_set(info, tag_follows.follow_tags, slugs)

    @strawberry.mutation(graphql_type=TagFollowPayload, description="Follow tags no more.")
    async def unfollow_tags(self, info: Info, slugs: Slugs) -> Outcome:
        return await tags_set(info, tag_follows.unfollow_tags, slugs)


async def towards(info: Info, command: Command[[int], None], global_id: str) -> Outcome:
    """Run a command about another user; the payload loads that user."""
    user_id = decode_as("User", global_id)
    return await performed_on(info, user_id, command, user_id)


async def tags_set(info: Info, command: Command[[Sequence[str]], Tags], slugs: Sequence[str]) -> Outcome:
    outcome = await performed(info, command, slugs)
    return outcome if outcome.errors else in_part("slugs", slugs, outcome.made.tag_ids, outcome.made.refused)


def in_part(name: str, asked: Iterable[Key], made: list[int], refused: Mapping[Key, Refused]) -> Outcome:
    """What was done of a list, and why not the rest, by its place in the argument `name`."""
    told = [
        Told(Refused(refused[one].reason, str(refused[one]), (name, str(place))))
        for place, one in enumerate(asked)
        if one in refused
    ]
    return Outcome(made, tuple(told))
