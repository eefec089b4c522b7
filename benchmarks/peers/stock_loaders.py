"""What the peer `stock` reads: the ORM, a session for each read, and Strawberry's DataLoaders for each request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, column, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import aliased, selectinload
from strawberry.dataloader import DataLoader

from feed_service import models
from feed_service.queries.visibility import (
    comment_listed_for,
    comment_shown_to,
    not_blocked_for,
    not_muted_for,
    post_accessible_to,
    post_is_live,
)
from feed_service.viewer import Viewer


class Shown(NamedTuple):
    """A comment, its likes, and whether it is more than a tombstone."""

    comment: models.Comment
    like_count: int
    is_listed: bool


@dataclass(frozen=True)
class Reads:
    """What does not come by key."""

    sessions: async_sessionmaker[AsyncSession]
    viewer: Viewer

    async def followed_posts(self, size: int) -> Sequence[models.Post]:
        """The newest posts of followed authors, with their tags."""
        post, follow = models.Post, models.UserFollow
        statement = self._in_feeds().join(follow, follow.followee_id == post.author_id)
        own = statement.where(follow.follower_id == self.viewer.user_id)
        return await self._posts(own.order_by(post.published_at.desc(), post.id.desc()).limit(size))

    async def hot_posts(self, size: int) -> Sequence[models.Post]:
        """Scheduled posts have a rank already, and their time as that of their last activity."""
        post, rank = models.Post, models.PostRank
        statement = self._in_feeds().join(rank, rank.post_id == post.id).where(rank.last_activity_at <= func.now())
        return await self._posts(statement.order_by(rank.hot_key.desc(), rank.post_id.desc()).limit(size))

    async def post(self, post_id: int) -> models.Post | None:
        found = await self._posts(select(models.Post).where(models.Post.id == post_id, post_accessible_to(self.viewer)))
        return found[0] if found else None

    def _in_feeds(self) -> Select[models.Post]:
        """Live posts of live authors whom the viewer neither blocks nor mutes."""
        post, author = models.Post, models.User
        return (
            select(post)
            .join(author, author.id == post.author_id)
            .where(post_is_live(), author.suspended_at.is_(None), author.deleted_at.is_(None))
            .where(not_blocked_for(self.viewer, post.author_id), not_muted_for(self.viewer, post.author_id))
        )

    async def _posts(self, statement: Select[models.Post]) -> Sequence[models.Post]:
        async with self.sessions() as session:
            return (await session.scalars(statement.options(selectinload(models.Post.tags)))).all()


class Loaders:
    """The DataLoaders of one request."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], viewer: Viewer) -> None:
        self._sessions = sessions
        self._viewer = viewer
        self.user: DataLoader[int, models.User | None] = DataLoader(self._users)
        self.stats: DataLoader[int, models.PostStats | None] = DataLoader(self._stats)
        self.has_liked: DataLoader[int, bool] = DataLoader(self._marked(models.PostLike))
        self.has_bookmarked: DataLoader[int, bool] = DataLoader(self._marked(models.Bookmark))
        self.preview: DataLoader[tuple[int, int], list[Shown]] = DataLoader(self._previews)
        self.roots: DataLoader[tuple[int, int], list[Shown]] = DataLoader(self._roots)
        self.replies: DataLoader[tuple[int, int], list[Shown]] = DataLoader(self._replies)

    async def _users(self, ids: list[int]) -> list[models.User | None]:
        async with self._sessions() as session:
            rows = await session.scalars(select(models.User).where(models.User.id.in_(ids)))
            found = {user.id: user for user in rows}
        return [found.get(user_id) for user_id in ids]

    async def _stats(self, ids: list[int]) -> list[models.PostStats | None]:
        async with self._sessions() as session:
            rows = await session.scalars(select(models.PostStats).where(models.PostStats.post_id.in_(ids)))
            found = {stats.post_id: stats for stats in rows}
        return [found.get(post_id) for post_id in ids]

    def _marked(self, mark: Any) -> Callable[[list[int]], Awaitable[list[bool]]]:  # noqa: ANN401 - PostLike or Bookmark.
        async def load(ids: list[int]) -> list[bool]:
            mine = select(mark.post_id).where(mark.user_id == self._viewer.user_id, mark.post_id.in_(ids))
            async with self._sessions() as session:
                found = set(await session.scalars(mine))
            return [post_id in found for post_id in ids]

        return load

    async def _previews(self, keys: list[tuple[int, int]]) -> list[list[Shown]]:
        return await self._siblings(keys, self._is_root, comment_listed_for(self._viewer))

    async def _roots(self, keys: list[tuple[int, int]]) -> list[list[Shown]]:
        return await self._siblings(keys, self._is_root, comment_shown_to(self._viewer))

    async def _replies(self, keys: list[tuple[int, int]]) -> list[list[Shown]]:
        return await self._siblings(keys, self._is_reply, comment_shown_to(self._viewer))

    @staticmethod
    def _is_root(post_id: ColumnElement[int]) -> ColumnElement[bool]:
        return (models.CommentRank.post_id == post_id) & models.CommentRank.parent_id.is_(None)

    @staticmethod
    def _is_reply(comment_id: ColumnElement[int]) -> ColumnElement[bool]:
        return models.CommentRank.parent_id == comment_id

    async def _siblings(
        self,
        keys: list[tuple[int, int]],
        is_sibling: Callable[[ColumnElement[int]], ColumnElement[bool]],
        seen: ColumnElement[bool],
    ) -> list[list[Shown]]:
        """For each (parent, size) the comments with most likes; all keys of one place in a document have one size."""
        ids = literal([parent_id for parent_id, _ in keys], ARRAY(BigInteger))
        parents = func.unnest(ids).table_valued(column("id", BigInteger)).render_derived()
        rank, is_listed = models.CommentRank, comment_listed_for(self._viewer)
        page = (
            select(models.Comment, rank.like_count, is_listed.label("is_listed"))
            .join(rank, rank.comment_id == models.Comment.id)
            .where(is_sibling(parents.c.id), seen)
            .order_by(rank.like_count.desc(), rank.comment_id.desc())
            .limit(keys[0][1])
            .lateral("page")
        )
        comment = aliased(models.Comment, page)
        statement = select(parents.c.id, comment, page.c.like_count, page.c.is_listed).join_from(parents, page, true())
        found: dict[int, list[Shown]] = {parent_id: [] for parent_id, _ in keys}
        async with self._sessions() as session:
            for parent_id, *shown in await session.execute(statement):
                found[parent_id].append(Shown(*shown))
        return [found[parent_id] for parent_id, _ in keys]
