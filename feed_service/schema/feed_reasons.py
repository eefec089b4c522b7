"""Why a post is in a feed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.schema.authors import author_of
from feed_service.schema.context import Info
from feed_service.schema.enums import FeedKind
from feed_service.schema.lazy import LazyTag, LazyUser


@dataclass(frozen=True, slots=True)
class Reason:
    """What every reason reads: the post, and the ids of the followed tags on it."""

    post: models.Post
    tag_ids: tuple[int, ...] = ()

    async def followed_tags(self, info: Info) -> list[models.Tag]:
        found = await info.context.loaders.load_many(loaders.tags.by_id, list(self.tag_ids))
        return [tag for tag in found if tag is not None]


FOLLOWED_TAGS = "Tags on it that the viewer follows."


@strawberry.type(description="The viewer wrote it.")
class OwnPost:
    why: strawberry.Private[Reason]

    @strawberry.field(graphql_type=list[LazyTag], description=FOLLOWED_TAGS)
    async def tags(self, info: Info) -> list[models.Tag]:
        return await self.why.followed_tags(info)


@strawberry.type(description="The viewer follows its author.")
class FollowedAuthor:
    why: strawberry.Private[Reason]

    @strawberry.field(graphql_type=LazyUser, description="The author.")
    async def author(self, info: Info) -> models.User | None:
        return await author_of(info, self.why.post)

    @strawberry.field(graphql_type=list[LazyTag], description=FOLLOWED_TAGS)
    async def tags(self, info: Info) -> list[models.Tag]:
        return await self.why.followed_tags(info)


@strawberry.type(description="The viewer follows tags on it.")
class FollowedTags:
    why: strawberry.Private[Reason]

    @strawberry.field(graphql_type=list[LazyTag], description=FOLLOWED_TAGS)
    async def tags(self, info: Info) -> list[models.Tag]:
        return await self.why.followed_tags(info)


@strawberry.type(description="Many people like it, comment on it or keep it.")
class TrendingNow:
    why: strawberry.Private[Reason]

    @strawberry.field(description="How many people like it.")
    async def like_count(self, info: Info) -> int:
        return int((await info.context.loaders.load(loaders.stats.by_post_id, self.why.post.id)).like_count)


@strawberry.type(description="It is being talked about.")
class ActiveDiscussion:
    why: strawberry.Private[Reason]

    @strawberry.field(description="When it was last commented on, or published.")
    async def last_activity_at(self, info: Info) -> datetime:
        stats = await info.context.loaders.load(loaders.stats.by_post_id, self.why.post.id)
        return stats.last_activity_at  # type: ignore[no-any-return]


@strawberry.type(description="It is public, as every post of this feed.")
class PublicPost:
    why: strawberry.Private[Reason]

    @strawberry.field(description="When it was published.")
    def published_at(self) -> datetime:
        return self.why.post.published_at


FeedReason = Annotated[
    OwnPost | FollowedAuthor | FollowedTags | TrendingNow | ActiveDiscussion | PublicPost,
    strawberry.union("FeedReason", description="Why a post is in a feed: the first of these that holds."),
]

PUBLIC_REASONS: dict[FeedKind, Any] = {
    FeedKind.POPULAR: TrendingNow,
    FeedKind.DISCUSSED: ActiveDiscussion,
    FeedKind.GLOBAL: PublicPost,
}


async def reason_of(info: Info, kind: FeedKind, post: models.Post) -> Any:  # noqa: ANN401 - one of the union.
    if kind in PUBLIC_REASONS:
        return PUBLIC_REASONS[kind](why=Reason(post))
    found = await info.context.loaders.load(loaders.feeds.reasons_by_post_id, post.id)
    why = Reason(post, tuple(found.tag_ids))
    if kind is FeedKind.HOME and post.author_id == info.context.viewer.user_id:
        return OwnPost(why=why)
    if kind is not FeedKind.FOLLOWING_TAGS and found.is_author_followed:
        return FollowedAuthor(why=why)
    return FollowedTags(why=why)
