"""Mutations of posts."""

from datetime import datetime
from typing import Annotated

import strawberry

from feed_service import loaders, models
from feed_service.commands import editing_posts, posts, publishing
from feed_service.commands.editing_posts import PostChange
from feed_service.commands.idempotency import once
from feed_service.commands.posts import NewPost
from feed_service.schema.context import Info
from feed_service.schema.enums import PublishMode
from feed_service.schema.ids import decode_as
from feed_service.schema.lazy import LazyPost
from feed_service.schema.payloads import DeletePayload, MutationPayload, Of, Outcome, performed, performed_on

PostId = Annotated[strawberry.ID, strawberry.argument(description="The id of a post.")]
At = Annotated[datetime, strawberry.argument(description="When, within the next 365 days.")]

TAGS = "Up to 20 names of up to 100 characters. New tags are made; upper and lower case are one."
BODY = "Up to 20,000 characters of CommonMark; may be empty."


@strawberry.input(description="A new post.")
class CreatePostInput:
    title: str = strawberry.field(description="1 to 300 characters.")
    body: str | None = strawberry.field(default=None, description=BODY)
    tags: list[str] | None = strawberry.field(default=None, description=TAGS)
    category: str | None = strawberry.field(default=None, description="The slug of the section it stands in.")
    language: str | None = strawberry.field(default=None, description="The language of the text: en, pt-BR.")
    publish: PublishMode = strawberry.field(default=PublishMode.NOW, description="When to publish it.")
    publish_at: datetime | None = strawberry.field(
        default=None, description="With AT and only then: a time within the next 365 days."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 letters, digits and signs of ASCII, without spaces. For 24 hours the same key with the "
        "same input answers for the post that it made the first time.",
    )


@strawberry.input(description="What shall change. What is left out or null stays.")
class UpdatePostInput:
    id: strawberry.ID = strawberry.field(description="The id of one of the viewer's posts.")
    title: str | None = strawberry.field(default=None, description="1 to 300 characters.")
    body: str | None = strawberry.field(default=None, description=BODY)
    tags: list[str] | None = strawberry.field(default=None, description=f"All its tags from now on. {TAGS}")
    expected_version: int | None = strawberry.field(
        default=None, description="The version that the viewer has edited; another is a VersionConflict."
    )


@strawberry.type(description="What mutations of one post answer.")
class PostPayload(MutationPayload):
    @strawberry.field(graphql_type=LazyPost | None, description="The post as it is now, if the viewer can see it.")
    async def post(outcome: strawberry.Parent[Outcome], info: Info) -> models.Post | None:
        if outcome.made is None:
            return None
        return await info.context.loaders.load(loaders.posts.by_id, outcome.made)


@strawberry.type
class PostMutations:
    @strawberry.mutation(graphql_type=PostPayload, description="Write a post: for everyone, or a draft for oneself.")
    async def create_post(self, info: Info, input: Of[CreatePostInput]) -> Outcome:  # noqa: A002
        command = once("createPost", input.idempotency_key, posts.create_post)
        return await performed(
            info,
            command,
            NewPost(
                input.title, input.body or "", tuple(input.tags or ()), input.category, input.language, input.publish,
                input.publish_at,
            ),
        )  # fmt: skip

    @strawberry.mutation(
        graphql_type=PostPayload,
        description="Edit one's own post. Of published posts, the earlier text is kept among the edits.",
    )
    async def update_post(self, info: Info, input: Of[UpdatePostInput]) -> Outcome:  # noqa: A002
        is_blind = input.expected_version is None
        tags = None if input.tags is None else tuple(input.tags)
        change = PostChange(decode_as("Post", input.id), input.title, input.body, tags, input.expected_version)
        return await performed(info, editing_posts.update_post if is_blind else editing_posts.update_version, change)

    @strawberry.mutation(graphql_type=PostPayload, description="Show one's draft or scheduled post to everyone now.")
    async def publish_post(self, info: Info, id: PostId) -> Outcome:  # noqa: A002
        return await performed(info, publishing.publish_post, decode_as("Post", id))

    @strawberry.mutation(
        graphql_type=PostPayload, description="Have one's draft published at a time, or a scheduled post at another."
    )
    async def schedule_post(self, info: Info, id: PostId, at: At) -> Outcome:  # noqa: A002
        return await performed(info, publishing.schedule_post, decode_as("Post", id), at)

    @strawberry.mutation(graphql_type=PostPayload, description="Make one's scheduled post a draft again.")
    async def unschedule_post(self, info: Info, id: PostId) -> Outcome:  # noqa: A002
        return await performed(info, publishing.unschedule_post, decode_as("Post", id))

    @strawberry.mutation(
        graphql_type=DeletePayload,
        description="Hide a post, with its comments, from everyone but moderators. Its author and moderators may.",
    )
    async def delete_post(self, info: Info, id: PostId) -> Outcome:  # noqa: A002
        return await performed_on(info, id, posts.delete_post, decode_as("Post", id))

    @strawberry.mutation(
        graphql_type=PostPayload,
        description="Bring a post back: authors what they deleted themselves, moderators what others deleted.",
    )
    async def restore_post(self, info: Info, id: PostId) -> Outcome:  # noqa: A002
        return await performed(info, posts.restore_post, decode_as("Post", id))
