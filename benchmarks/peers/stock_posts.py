"""Posts and their comments as types of Strawberry, for the peer `stock`."""

import base64
from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry

from benchmarks.peers.stock_loaders import Loaders, Shown
from feed_service import models


@strawberry.enum
class CommentOrder(Enum):
    TOP = "TOP"


def global_id(type_name: str, local_id: int) -> strawberry.ID:
    return strawberry.ID(base64.urlsafe_b64encode(f"{type_name}:{local_id}".encode()).rstrip(b"=").decode())


def local_id(given: strawberry.ID) -> int:
    return int(base64.urlsafe_b64decode(f"{given}===").decode().rpartition(":")[2])


def cursor_of(*key: object) -> str:
    return base64.urlsafe_b64encode("|".join(map(str, key)).encode()).decode()


def loaders(info: strawberry.Info) -> Loaders:
    return info.context["loaders"]  # type: ignore[no-any-return]


@strawberry.type
class User:
    id: strawberry.ID
    username: str
    display_name: str
    avatar_url: str | None

    @classmethod
    async def load(cls, info: strawberry.Info, user_id: int) -> Self:
        user = await loaders(info).user.load(user_id)
        if user is None:
            raise LookupError
        return cls(
            id=global_id("User", user.id),
            username=user.username,
            display_name=user.display_name,
            avatar_url=user.avatar_url,
        )


@strawberry.type
class Tag:
    id: strawberry.ID
    slug: str
    name: str


@strawberry.type
class PostStats:
    like_count: int = 0
    comment_count: int = 0
    bookmark_count: int = 0


@strawberry.type
class PostViewerState:
    post_id: strawberry.Private[int]

    @strawberry.field
    async def has_liked(self, info: strawberry.Info) -> bool:
        return await loaders(info).has_liked.load(self.post_id)

    @strawberry.field
    async def has_bookmarked(self, info: strawberry.Info) -> bool:
        return await loaders(info).has_bookmarked.load(self.post_id)


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Comment:
    row: strawberry.Private[models.Comment]
    id: strawberry.ID
    body: str | None
    created_at: datetime
    is_tombstone: bool

    @classmethod
    def of(cls, shown: Shown) -> Self:
        row, is_tombstone = shown.comment, not shown.is_listed
        body = None if is_tombstone else row.body
        comment_id = global_id("Comment", row.id)
        return cls(row=row, id=comment_id, body=body, created_at=row.created_at, is_tombstone=is_tombstone)

    @strawberry.field
    async def author(self, info: strawberry.Info) -> User | None:
        return None if self.is_tombstone else await User.load(info, self.row.author_id)

    @strawberry.field
    async def replies(
        self, info: strawberry.Info, first: int = 20, order: CommentOrder = CommentOrder.TOP
    ) -> Annotated["CommentConnection", strawberry.lazy("benchmarks.peers.stock_posts")]:
        assert order is CommentOrder.TOP  # noqa: S101 - the only one there is.
        return CommentConnection.of(await loaders(info).replies.load((self.row.id, first + 1)), first)


@strawberry.type
class CommentEdge:
    cursor: str
    node: Comment


@strawberry.type
class CommentConnection:
    edges: list[CommentEdge]
    nodes: list[Comment]
    page_info: PageInfo

    @classmethod
    def of(cls, found: list[Shown], first: int) -> Self:
        edges = [
            CommentEdge(cursor=cursor_of(shown.like_count, shown.comment.id), node=Comment.of(shown))
            for shown in found[:first]
        ]
        end = edges[-1].cursor if edges else None
        page_info = PageInfo(has_next_page=len(found) > first, end_cursor=end)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=page_info)


@strawberry.type
class Post:
    row: strawberry.Private[models.Post]
    id: strawberry.ID
    title: str
    body: str
    created_at: datetime

    @classmethod
    def of(cls, row: models.Post) -> Self:
        return cls(row=row, id=global_id("Post", row.id), title=row.title, body=row.body, created_at=row.created_at)

    @strawberry.field
    async def author(self, info: strawberry.Info) -> User:
        return await User.load(info, self.row.author_id)

    @strawberry.field
    def tags(self) -> list[Tag]:
        return [Tag(id=global_id("Tag", tag.id), slug=tag.slug, name=tag.name) for tag in self.row.tags]

    @strawberry.field
    async def stats(self, info: strawberry.Info) -> PostStats:
        row = await loaders(info).stats.load(self.row.id)
        if row is None:
            return PostStats()
        return PostStats(like_count=row.like_count, comment_count=row.comment_count, bookmark_count=row.bookmark_count)

    @strawberry.field
    def viewer_state(self, info: strawberry.Info) -> PostViewerState | None:
        return None if info.context["viewer"].is_anonymous else PostViewerState(post_id=self.row.id)

    @strawberry.field
    async def comment_preview(
        self, info: strawberry.Info, first: int = 3, order: CommentOrder = CommentOrder.TOP
    ) -> list[Comment]:
        assert order is CommentOrder.TOP  # noqa: S101 - the only one there is.
        return [Comment.of(shown) for shown in await loaders(info).preview.load((self.row.id, first))]

    @strawberry.field
    async def comments(
        self, info: strawberry.Info, first: int = 20, order: CommentOrder = CommentOrder.TOP
    ) -> CommentConnection:
        assert order is CommentOrder.TOP  # noqa: S101 - the only one there is.
        return CommentConnection.of(await loaders(info).roots.load((self.row.id, first + 1)), first)
