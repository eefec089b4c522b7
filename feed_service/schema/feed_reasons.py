"""Why a post is in a feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.schema.context import Info
from feed_service.schema.enums import FeedKind
from feed_service.schema.lazy import LazyTag, LazyUser
from feed_service.schema.levels import Rows, Values, level
from feed_service.schema.loading import stats_of_posts, tags_by_ids


@dataclass(slots=True)
class Reason:
    """What every reason reads."""

    post: models.Post


FOLLOWED_TAGS = "Tags on it that the viewer follows."

IS_FOLLOWED = frozenset({"is_author_followed"})
TAG_IDS = frozenset({"tag_ids"})


async def followed_tags(reasons: Rows[Any], info: Info) -> list[list[models.Tag]]:
    ids = [reason.why.post.id for reason in reasons]
    found = await info.context.loaders.many(loaders.feeds.reasons_by_post_id, ids, TAG_IDS)
    return await tags_by_ids(info, [reason.tag_ids for reason in found])


def followed_tags_field() -> Any:  # noqa: ANN401 - a field of Strawberry, which belongs to one type.
    return level(graphql_type=list[LazyTag], description=FOLLOWED_TAGS)(followed_tags)


async def numbers_of(reasons: Rows[Any], info: Info, number: str) -> list[Any]:
    return await stats_of_posts(info, [reason.why.post for reason in reasons], number)


@strawberry.type(description="The viewer wrote it.")
class OwnPost:
    why: strawberry.Private[Reason]
    tags = followed_tags_field()


@strawberry.type(description="The viewer follows its author.")
class FollowedAuthor:
    why: strawberry.Private[Reason]
    tags = followed_tags_field()

    @level(graphql_type=LazyUser, description="The author.")
    async def author(reasons: Rows["FollowedAuthor"], info: Info) -> list[models.User | None]:
        ids = [reason.why.post.author_id for reason in reasons]
        return await info.context.loaders.many(loaders.users.whoever_by_id, ids)


@strawberry.type(description="The viewer follows tags on it.")
class FollowedTags:
    why: strawberry.Private[Reason]
    tags = followed_tags_field()


@strawberry.type(description="Many people like it, comment on it or keep it.")
class TrendingNow:
    why: strawberry.Private[Reason]

    @level(graphql_type=int, description="How many people like it.")
    async def like_count(reasons: Rows["TrendingNow"], info: Info) -> list[int]:
        return [int(numbers.like_count) for numbers in await numbers_of(reasons, info, "like_count")]


@strawberry.type(description="It is being talked about.")
class ActiveDiscussion:
    why: strawberry.Private[Reason]

    @level(graphql_type=datetime, description="When it was last commented on, or published.")
    async def last_activity_at(reasons: Rows["ActiveDiscussion"], info: Info) -> list[datetime]:
        return [numbers.last_activity_at for numbers in await numbers_of(reasons, info, "last_activity_at")]


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

REASON_OF_ALL: dict[FeedKind, Any] = {
    FeedKind.POPULAR: TrendingNow,
    FeedKind.DISCUSSED: ActiveDiscussion,
    FeedKind.GLOBAL: PublicPost,
    FeedKind.FOLLOWING_USERS: FollowedAuthor,
    FeedKind.FOLLOWING_TAGS: FollowedTags,
}
"""Why a post is in a feed of this kind, whichever post it is."""


def reasons_of(info: Info, places: Sequence[tuple[FeedKind, models.Post]]) -> Values:
    """Why each post is in a feed of its kind."""
    me = info.context.viewer.user_id
    unsure = [post.id for kind, post in places if kind is FeedKind.HOME and post.author_id != me]

    def reasons(is_followed: Mapping[int, bool]) -> list[Any]:
        def at_home(post: models.Post) -> Any:  # noqa: ANN401 - one of the union's types.
            if post.author_id == me:
                return OwnPost
            return FollowedAuthor if is_followed[post.id] else FollowedTags

        return [(REASON_OF_ALL.get(kind) or at_home(post))(why=Reason(post)) for kind, post in places]

    async def loaded() -> list[Any]:
        found = await info.context.loaders.many(loaders.feeds.reasons_by_post_id, unsure, IS_FOLLOWED)
        return reasons(dict(zip(unsure, [reason.is_author_followed for reason in found], strict=True)))

    return loaded if unsure else reasons({})
