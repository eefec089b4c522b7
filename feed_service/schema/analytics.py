"""What authors are told about how their posts are doing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import strawberry

from feed_service import loaders, models
from feed_service.commands.permissions import signed_in
from feed_service.errors import BadUserInput
from feed_service.loaders.analytics import MOST_PARTS
from feed_service.queries.analytics import MOST_POSTS
from feed_service.schema.context import Info
from feed_service.schema.enums import AnalyticsWindow
from feed_service.schema.lazy import LazyCategory, LazyPost, LazyTag
from feed_service.schema.levels import Rows, level
from feed_service.schema.parts import parts_of, post_parts
from feed_service.schema.selection import Selected

HowMany = Annotated[int, strawberry.argument(description=f"How many, 1 to {MOST_PARTS}.")]
SAME = "as `stats` of a post counts them"


@strawberry.type(description="What happened to certain posts within a window of time, whenever they were published.")
class Engagement:
    post_count: int = strawberry.field(description="Of the posts, those that were published in it.")
    like_count: int = strawberry.field(description=f"Likes that were given in it and not taken back, {SAME}.")
    comment_count: int = strawberry.field(description=f"Comments that were written in it and not deleted, {SAME}.")
    unique_commenter_count: int = strawberry.field(description="People who wrote at least one of these comments.")
    new_follower_count: int | None = strawberry.field(
        description="People who have followed the author since it began, by its end, and still do; null where the "
        "posts are not all posts of an author."
    )
    view_count: int = strawberry.field(
        description="Views in it, each viewer counted once an hour for each post, the author as well; of a window that "
        "begins before `viewsSince`, those since then."
    )
    reactions_per_view: float | None = strawberry.field(
        description="Likes and comments over views, to three places; null without views, and if the window begins "
        "before `viewsSince`."
    )


@strawberry.type(
    description="By what part of itself each number has grown against the window before: 0.5 is half as much again, "
    "-1 is nothing any more. Null where there was nothing before."
)
class EngagementChange:
    posts: float | None = strawberry.field(description="Of `postCount`.")
    likes: float | None = strawberry.field(description="Of `likeCount`.")
    comments: float | None = strawberry.field(description="Of `commentCount`.")
    unique_commenters: float | None = strawberry.field(description="Of `uniqueCommenterCount`.")
    views: float | None = strawberry.field(
        description="Of `viewCount`; null also if the window before begins before `viewsSince`."
    )
    new_followers: float | None = strawberry.field(description="Of `newFollowerCount`.")


@strawberry.type(description="What happened to an author's posts within 24 hours, counted as in `Engagement`.")
class DayEngagement:
    since: datetime = strawberry.field(description="When they begin.")
    until: datetime = strawberry.field(description="When they end.")
    post_count: int = strawberry.field(description="Posts that were published.")
    like_count: int = strawberry.field(description="Likes that were given.")
    comment_count: int = strawberry.field(description="Comments that were written.")
    view_count: int = strawberry.field(description="Views, by the hour in which they were.")
    new_follower_count: int = strawberry.field(description="People who followed the author, and still do.")


@strawberry.type(description="How the viewer's posts with one tag are doing.")
class TagEngagement:
    engagement: Engagement = strawberry.field(description="What happened to them.")

    @level(graphql_type=LazyTag, description="The tag.")
    async def tag(parts: Rows[Any], info: Info) -> list[models.Tag | None]:
        return await info.context.loaders.many(loaders.tags.by_id, [part.part_id for part in parts])


@strawberry.type(description="How the viewer's posts in one section of the site are doing.")
class CategoryEngagement:
    engagement: Engagement = strawberry.field(description="What happened to them.")

    @level(graphql_type=LazyCategory, description="The section.")
    async def category(parts: Rows[Any], info: Info) -> list[models.Category | None]:
        return await info.context.loaders.many(loaders.tags.category_by_id, [part.part_id for part in parts])


@strawberry.type(description="How one of the viewer's posts is doing.")
class PostEngagement:
    post: LazyPost = strawberry.field(description="The post.")
    engagement: Engagement = strawberry.field(description="What happened to it.")


class PostWithEngagement(NamedTuple):
    post: models.Post
    engagement: Any


@strawberry.type(
    description="How an author's posts are doing, in a window of days and in the one before it. Posts, likes, comments "
    f"and followers count as in public numbers; the newest {MOST_POSTS:,} posts are looked at."
)
class AuthorAnalytics:
    since: datetime = strawberry.field(description="When the window begins.")
    as_of: datetime = strawberry.field(description="When these numbers were read, which is the end of the window.")
    views_since: datetime = strawberry.field(description="From when on it is known when views were.")
    is_capped: bool = strawberry.field(
        description=f"Whether there may be more than {MOST_POSTS:,} posts, older ones of which were not looked at."
    )
    totals: Engagement = strawberry.field(description="All in all.")
    before: Engagement = strawberry.field(description="The same of the window before, which is as long.")
    change: EngagementChange = strawberry.field(description="`totals` against `before`.")

    @level(
        graphql_type=list[DayEngagement],
        description="Each 24 hours of the window, oldest first, also those in which nothing happened: for a chart. "
        "They add up to `totals`.",
    )
    async def by_day(rows: Rows[Any], info: Info) -> list[list[Any]]:
        ids = [row.subject_id for row in rows]
        return await info.context.loaders.many(loaders.analytics.days_by_author_id, ids, window_of(rows))

    @level(
        graphql_type=list[TagEngagement],
        description="By tags on the posts, most likes and comments first, then most views; only tags with something to "
        "tell of. A post counts for each of its tags.",
    )
    async def by_tag(rows: Rows[Any], info: Info, first: HowMany = 10) -> list[list[Any]]:
        return await parts(info, loaders.analytics.tags_by_author_id, rows, first)

    @level(
        graphql_type=list[CategoryEngagement],
        description="By sections of the site in which the posts stand, in the same order.",
    )
    async def by_category(rows: Rows[Any], info: Info, first: HowMany = 10) -> list[list[Any]]:
        return await parts(info, loaders.analytics.categories_by_author_id, rows, first)

    @level(
        graphql_type=list[PostEngagement],
        description="The posts with most likes and comments in the window, then most views, whenever published.",
    )
    async def top_posts(rows: Rows[Any], info: Info, first: HowMany = 5) -> list[list[PostWithEngagement]]:
        found = await parts(info, loaders.analytics.posts_by_author_id, rows, first)
        ids = [one.part_id for those in found for one in those]
        posts = await info.context.loaders.many(loaders.posts.by_id, ids, post_parts(info, of_post))
        by_id = {post.id: post for post in posts if post is not None}
        # What was deleted between the two reads is left out.
        return [
            [PostWithEngagement(by_id[one.part_id], one.engagement) for one in those if one.part_id in by_id]
            for those in found
        ]


@strawberry.type
class ToldToViewer:
    """A field of `Viewer`."""

    @level(graphql_type=AuthorAnalytics, description="How the viewer's own posts are doing.")
    async def analytics(
        viewers: Rows[object],
        info: Info,
        window: Annotated[
            AnalyticsWindow, strawberry.argument(description="Of how many days.")
        ] = AnalyticsWindow.DAYS_30,
    ) -> list[Any]:
        keys = [signed_in(info.context.viewer)] * len(viewers)
        return await info.context.loaders.many(loaders.analytics.by_author_id, keys, window)


def of_post(selected: Selected) -> frozenset[str]:
    """`selected` is of a PostEngagement."""
    return parts_of(selected.under("post"))


async def parts(info: Info, batch: Any, rows: Sequence[Any], first: int) -> list[list[Any]]:  # noqa: ANN401 - a batch function.
    """The first parts of each author. Raises BadUserInput."""
    if not 1 <= first <= MOST_PARTS:
        raise BadUserInput(f"first must be between 1 and {MOST_PARTS}.")
    found = await info.context.loaders.many(batch, [row.subject_id for row in rows], window_of(rows))
    return [those[:first] for those in found]


def window_of(rows: Sequence[Any]) -> AnalyticsWindow:
    """All were asked for by one field."""
    return AnalyticsWindow[f"DAYS_{rows[0].days}"]
