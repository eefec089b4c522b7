"""Mutations of comments."""

from typing import Annotated

import strawberry

from feed_service import loaders, models
from feed_service.commands import comments
from feed_service.commands.idempotency import once
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as
from feed_service.schema.lazy import LazyComment
from feed_service.schema.payloads import DeletePayload, MutationPayload, Of, Outcome, performed, performed_on

CommentId = Annotated[strawberry.ID, strawberry.argument(description="The id of a comment.")]


@strawberry.input(description="A new comment.")
class CreateCommentInput:
    post_id: strawberry.ID = strawberry.field(description="The id of the post it is about.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the comment it answers, which is under the same post."
    )
    body: str = strawberry.field(description="1 to 5,000 characters of CommonMark.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 letters, digits and signs of ASCII, without spaces. For 24 hours the same key with the "
        "same input answers for the comment that it made the first time.",
    )


@strawberry.input(description="What a comment shall say from now on.")
class UpdateCommentInput:
    id: strawberry.ID = strawberry.field(description="The id of one of the viewer's comments.")
    body: str = strawberry.field(description="1 to 5,000 characters of CommonMark.")
    expected_version: int | None = strawberry.field(
        default=None, description="The version that the viewer has edited; another is a VersionConflict."
    )


@strawberry.type(description="What mutations of one comment answer.")
class CommentPayload(MutationPayload):
    @strawberry.field(graphql_type=LazyComment | None, description="The comment as it is now.")
    async def comment(outcome: strawberry.Parent[Outcome], info: Info) -> models.Comment | None:
        if outcome.made is None:
            return None
        return await info.context.loaders.load(loaders.comments.accessible_by_id, outcome.made)


@strawberry.type
class CommentMutations:
    @strawberry.mutation(graphql_type=CommentPayload, description="Say something about a post, or answer a comment.")
    async def create_comment(self, info: Info, input: Of[CreateCommentInput]) -> Outcome:  # noqa: A002
        post_id = decode_as("Post", input.post_id)
        parent_id = None if input.parent_id is None else decode_as("Comment", input.parent_id)
        command = once("createComment", input.idempotency_key, comments.create_comment)
        return await performed(info, command, post_id, parent_id, input.body)

    @strawberry.mutation(
        graphql_type=CommentPayload, description="Edit one's own comment. The earlier text is kept among the edits."
    )
    async def update_comment(self, info: Info, input: Of[UpdateCommentInput]) -> Outcome:  # noqa: A002
        comment_id = decode_as("Comment", input.id)
        if input.expected_version is None:
            return await performed(info, comments.update_comment, comment_id, input.body)
        return await performed(info, comments.update_version, comment_id, input.body, input.expected_version)

    @strawberry.mutation(
        graphql_type=DeletePayload,
        description="Hide a comment. Threads show a tombstone in its place while it has replies that can be seen.",
    )
    async def delete_comment(self, info: Info, id: CommentId) -> Outcome:  # noqa: A002
        return await performed_on(info, id, comments.delete_comment, decode_as("Comment", id))

    @strawberry.mutation(
        graphql_type=CommentPayload,
        description="Bring a comment back: authors what they deleted themselves, moderators what others deleted.",
    )
    async def restore_comment(self, info: Info, id: CommentId) -> Outcome:  # noqa: A002
        return await performed(info, comments.restore_comment, decode_as("Comment", id))
