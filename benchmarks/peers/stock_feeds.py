"""Feeds and the entry points as types of Strawberry, for the peer `stock`."""

from enum import Enum
from typing import Annotated

import strawberry

from benchmarks.peers.stock_posts import PageInfo, Post, User, cursor_of, loaders, local_id
from feed_service import models


@strawberry.enum
class FeedKind(Enum):
    FOLLOWING_USERS = "FOLLOWING_USERS"
    POPULAR = "POPULAR"


@strawberry.enum
class PostOrder(Enum):
    NEWEST = "NEWEST"
    HOT = "HOT"


@strawberry.input
class PostBy:
    id: strawberry.ID


@strawberry.type
class FollowedAuthor:
    post: strawberry.Private[models.Post]

    @strawberry.field
    async def author(self, info: strawberry.Info) -> User:
        return await User.load(info, self.post.author_id)


@strawberry.type
class TrendingNow:
    post: strawberry.Private[models.Post]

    @strawberry.field
    async def like_count(self, info: strawberry.Info) -> int:
        row = await loaders(info).stats.load(self.post.id)
        return row.like_count if row else 0


@strawberry.type
class FeedEdge:
    cursor: str
    node: Post
    reason: Annotated[FollowedAuthor | TrendingNow, strawberry.union("FeedReason")]


@strawberry.type
class FeedConnection:
    edges: list[FeedEdge]
    page_info: PageInfo


@strawberry.type
class Query:
    @strawberry.field
    async def feed(
        self, info: strawberry.Info, kind: FeedKind, first: int = 20, order: PostOrder | None = None
    ) -> FeedConnection:
        reads, reason = info.context["reads"], FollowedAuthor if kind is FeedKind.FOLLOWING_USERS else TrendingNow
        if (order or PostOrder.NEWEST) is PostOrder.NEWEST and kind is FeedKind.FOLLOWING_USERS:
            found = await reads.followed_posts(first + 1)
        elif (order or PostOrder.HOT) is PostOrder.HOT and kind is FeedKind.POPULAR:
            found = await reads.hot_posts(first + 1)
        else:
            raise ValueError(f"There is no {kind} by {order}.")
        edges = [
            FeedEdge(cursor=cursor_of(row.published_at, row.id), node=Post.of(row), reason=reason(post=row))
            for row in found[:first]
        ]
        end = edges[-1].cursor if edges else None
        return FeedConnection(edges=edges, page_info=PageInfo(has_next_page=len(found) > first, end_cursor=end))

    @strawberry.field
    async def post(self, info: strawberry.Info, by: PostBy) -> Post | None:
        row = await info.context["reads"].post(local_id(by.id))
        return Post.of(row) if row else None
