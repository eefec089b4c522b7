"""The mutation of views."""

from datetime import UTC, datetime
from typing import Annotated

import strawberry

from feed_service import loaders
from feed_service.commands.permissions import signed_in
from feed_service.errors import Invalid
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as
from feed_service.schema.payloads import MutationPayload, Outcome, outcome_of
from feed_service.schema.scalars import ConsistencyToken
from feed_service.vocabulary import UserErrorCode

MOST_AT_ONCE = 100

PostIds = Annotated[list[strawberry.ID], strawberry.argument(description="Ids of up to 100 posts.")]


@strawberry.type(description="What `recordViews` answers.")
class RecordViewsPayload(MutationPayload):
    @strawberry.field(description="How many of the posts the viewer can see: those views were taken.")
    def taken_count(outcome: strawberry.Parent[Outcome]) -> int:
        return outcome.made or 0

    @strawberry.field(description="Always null: the views are written some seconds later.")
    def consistency_token(outcome: strawberry.Parent[Outcome]) -> ConsistencyToken | None:
        return None


@strawberry.type
class ViewMutations:
    @strawberry.mutation(
        graphql_type=RecordViewsPayload,
        description="Say that the viewer has looked at posts, each of which counts once an hour. The answer is a "
        "receipt: a crash of the service can lose the last 5 seconds of views.",
    )
    async def record_views(self, info: Info, post_ids: PostIds) -> Outcome:
        return await outcome_of(recorded(info, post_ids))


async def recorded(info: Info, global_ids: list[strawberry.ID]) -> int:
    """How many distinct posts were listed for the viewer. Raises Refused for too many."""
    me = signed_in(info.context.viewer)
    if len(global_ids) > MOST_AT_ONCE:
        message = f"One call names up to {MOST_AT_ONCE} posts; these are {len(global_ids)}."
        raise Invalid(UserErrorCode.TOO_MANY, message, ("postIds",), f"max={MOST_AT_ONCE}")
    post_ids = list(dict.fromkeys(decode_as("Post", global_id) for global_id in global_ids))
    are_listed = await info.context.loaders.load_many(loaders.views.is_listed_by_post_id, post_ids)
    listed = [post_id for post_id, is_listed in zip(post_ids, are_listed, strict=True) if is_listed]
    info.context.views.take(me, listed, datetime.now(UTC))
    return len(listed)
