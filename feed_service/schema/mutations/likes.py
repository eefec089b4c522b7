"""Mutations of likes."""

from typing import Annotated, Any

import strawberry

from feed_service.commands import likes
from feed_service.schema import nodes
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_among
from feed_service.schema.interfaces import Likeable
from feed_service.schema.payloads import MutationPayload, Outcome, performed_on

SubjectId = Annotated[strawberry.ID, strawberry.argument(description="The id of a post or a comment.")]


@strawberry.type(description="What `like` and `unlike` answer.")
class LikePayload(MutationPayload):
    @strawberry.field(graphql_type=Likeable | None, description="What was liked, as it is now.")
    async def subject(outcome: strawberry.Parent[Outcome], info: Info) -> Any:  # noqa: ANN401 - a row.
        return await nodes.node(info, outcome.made) if outcome.made else None


@strawberry.type
class LikeMutations:
    @strawberry.mutation(graphql_type=LikePayload, description="Like a post or a comment.")
    async def like(self, info: Info, subject_id: SubjectId) -> Outcome:
        return await set_like(info, subject_id, {"Post": likes.like_post, "Comment": likes.like_comment})

    @strawberry.mutation(graphql_type=LikePayload, description="Take a like back.")
    async def unlike(self, info: Info, subject_id: SubjectId) -> Outcome:
        return await set_like(info, subject_id, {"Post": likes.unlike_post, "Comment": likes.unlike_comment})


async def set_like(info: Info, subject_id: str, commands: dict[str, Any]) -> Outcome:
    kind, local_id = decode_among(subject_id, commands)
    return await performed_on(info, subject_id, commands[kind], local_id)
