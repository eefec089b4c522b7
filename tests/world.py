"""A small world of people and posts to test on, written row by row; its numbers come from their definitions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from feed_service import models
from feed_service.database import create_engine
from feed_service.imports.derived import EVERYTHING, refill

Row = TypeVar("Row")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)
"""How asyncpg writes infinity."""


class World:
    """Rows are written at once; the numbers only when `count` is called."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._number = count(1)

    async def add(self, row: Row) -> Row:
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            session.add(row)
        return row

    async def user(self, name: str, **columns: Any) -> models.User:  # noqa: ANN401 - values of columns.
        return await self.add(models.User(username=name, display_name=name.title(), **columns))

    async def tag(self, slug: str) -> models.Tag:
        return await self.add(models.Tag(slug=slug, name=slug.title()))

    async def post(
        self,
        author: models.User,
        title: str = "",
        at: datetime = YESTERDAY,
        tags: tuple[models.Tag, ...] = (),
        **columns: Any,  # noqa: ANN401 - values of columns.
    ) -> models.Post:
        number = next(self._number)
        status = "draft" if at == NEVER else "published"
        values = {"slug": f"post-{number}", "title": title or f"Post {number}", "body": "", "status": status} | columns
        post = await self.add(models.Post(author_id=author.id, published_at=at, **values))
        for tag in tags:
            row = models.PostTag(post_id=post.id, tag_id=tag.id, author_id=author.id, published_at=at)
            row.is_deleted = post.deleted_at is not None
            await self.add(row)
        return post

    async def comment(
        self,
        author: models.User,
        post: models.Post,
        parent: models.Comment | None = None,
        at: datetime = YESTERDAY,
        **columns: Any,  # noqa: ANN401 - values of columns.
    ) -> models.Comment:
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            comment = models.Comment(
                post_id=post.id, author_id=author.id, parent_id=parent and parent.id, created_at=at, path=b"\x80" * 16,
                **({"body": "Well said."} | columns),
            )  # fmt: skip
            # The path holds the id, which the database gives out: a first, unique path makes room for it.
            comment.path = next(self._number).to_bytes(16, "big")
            session.add(comment)
            await session.flush()
            since_epoch = (at - EPOCH) // timedelta(microseconds=1)
            comment.path = models.child_path(parent.path if parent else b"", since_epoch, comment.id)
        return comment

    async def follow(self, follower: models.User, followee: models.User) -> None:
        await self.add(models.UserFollow(follower_id=follower.id, followee_id=followee.id))

    async def follow_tag(self, follower: models.User, tag: models.Tag) -> None:
        await self.add(models.TagFollow(user_id=follower.id, tag_id=tag.id))

    async def block(self, blocker: models.User, blocked: models.User) -> None:
        await self.add(models.Block(blocker_id=blocker.id, blocked_id=blocked.id))

    async def mute(self, muter: models.User, muted: models.User) -> None:
        await self.add(models.Mute(muter_id=muter.id, muted_id=muted.id))

    async def like(self, user: models.User, post: models.Post) -> None:
        await self.add(models.PostLike(user_id=user.id, post_id=post.id))

    async def count(self) -> None:
        async with self.engine.begin() as connection:
            await refill(connection, EVERYTHING, lambda *_: None)


@asynccontextmanager
async def world_on(url: str) -> AsyncIterator[World]:
    engine = create_engine(url, pool_size=4)
    yield World(engine)
    await engine.dispose()
