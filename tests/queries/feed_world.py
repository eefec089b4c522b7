"""A small random world full of corner cases, and what its feeds hold by plain Python over the rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import log2
from random import Random
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service import models
from feed_service.paging import Slice
from feed_service.vocabulary import FeedKind, PostOrder

NEVER = datetime.max.replace(tzinfo=UTC)
"""How asyncpg writes infinity."""

USERS, POSTS, TAGS = range(1, 15), range(1, 81), range(1, 7)
VIEWERS = range(1, 5)


@dataclass
class FeedWorld:
    """Rows by table. Few moments for many posts, so that times are equal; the first users are the viewers.

    The stored numbers of follows are random, because they must not matter.
    """

    random: Random
    start: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    users: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    tags_of: dict[int, set[int]] = field(default_factory=dict)
    follows: set[tuple[int, int]] = field(default_factory=set)
    tag_follows: set[tuple[int, int]] = field(default_factory=set)
    blocks: set[tuple[int, int]] = field(default_factory=set)
    mutes: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        chance = self.random.random
        for number in USERS:
            gone = chance() < 0.15 and number not in VIEWERS
            columns = {"suspended_at": self.start if gone and number % 2 else None}
            columns["deleted_at"] = self.start if gone and not number % 2 else None
            self.users.append({"id": number, "username": f"user{number}", "display_name": "", **columns})
        for number in POSTS:
            self.posts.append(self.new_post(number))
            self.tags_of[number] = {tag for tag in TAGS if chance() < 0.8 / tag}
        for viewer, share in zip(VIEWERS, (0.2, 0.5, 0.9, 0), strict=True):
            self.follows |= {(viewer, user) for user in USERS if user != viewer and chance() < share}
            self.tag_follows |= {(viewer, tag) for tag in TAGS if chance() < share}
            self.blocks |= {(viewer, user) for user in USERS if user not in VIEWERS and chance() < 0.1}
            self.blocks |= {(user, viewer) for user in USERS if user not in VIEWERS and chance() < 0.1}
            self.mutes |= {(viewer, user) for user in USERS if user != viewer and chance() < 0.1}

    def new_post(self, number: int) -> dict[str, Any]:
        """Half of all posts are by three authors; one in ten is a draft or scheduled, one in ten deleted."""
        pick = self.random.choice
        author_id = pick(USERS[-3:]) if self.random.random() < 0.5 else pick(USERS)
        at = self.start - timedelta(hours=self.random.randint(1, 20))
        status, published_at = pick(
            [("draft", NEVER), ("scheduled", self.start + timedelta(hours=9))] + [("", at)] * 18
        )
        active_at = published_at if status else min(at + timedelta(hours=pick([0, 5])), self.start)
        return {
            "id": number, "author_id": author_id, "slug": f"post-{number}", "title": "", "body": "",
            "status": status or "published", "published_at": published_at,
            "deleted_at": self.start if self.random.random() < 0.1 else None,
            "like_count": self.random.randint(0, 4), "comment_count": self.random.randint(0, 4),
            "last_activity_at": active_at, "hot_key": float(self.random.randint(0, 9)),
        }  # fmt: skip

    async def write(self, engine: AsyncEngine) -> None:
        follows = [{"follower_id": one, "followee_id": other} for one, other in self.follows]
        stats = [{"user_id": user, "following_count": self.random.choice([0, 3, 9])} for user in VIEWERS]
        rows: dict[type[models.Base], list[dict[str, Any]]] = {
            models.User: self.users,
            models.Tag: [{"id": tag, "slug": f"tag{tag}", "name": ""} for tag in TAGS],
            models.UserFollow: follows,
            models.TagFollow: [{"user_id": user, "tag_id": tag} for user, tag in self.tag_follows],
            models.Block: [{"blocker_id": one, "blocked_id": other} for one, other in self.blocks],
            models.Mute: [{"muter_id": one, "muted_id": other} for one, other in self.mutes],
            models.UserStats: stats,
        }
        async with engine.begin() as connection:
            for model, values in rows.items():
                if values:
                    await connection.execute(insert(model.__table__), values)  # type: ignore[arg-type]
        await write_posts(engine, self.posts, self.tags_of)

    def items(self, viewer: int, kind: FeedKind, order: PostOrder) -> list[tuple[int, tuple[Any, ...]]]:
        """(post id, key) of the whole feed, in its order."""
        found = [(post["id"], self.key(post, kind, order)) for post in self.posts if self.is_in(viewer, kind, post)]
        return sorted(found, key=lambda item: item[1], reverse=order is not PostOrder.OLDEST)

    def key(self, post: dict[str, Any], kind: FeedKind, order: PostOrder) -> tuple[Any, ...]:
        if order is PostOrder.HOT and kind is not FeedKind.POPULAR:
            return log2(1 + post["like_count"]) + post["published_at"].timestamp() / 21_600, post["id"]
        column = {
            PostOrder.HOT: "hot_key",
            PostOrder.TOP: "like_count",
            PostOrder.MOST_COMMENTED: "comment_count",
            PostOrder.NEWEST_ACTIVITY: "last_activity_at",
        }.get(order, "published_at")
        return post[column], post["id"]

    def is_in(self, viewer: int, kind: FeedKind, post: dict[str, Any]) -> bool:
        author = post["author_id"]
        gone = {user["id"] for user in self.users if user["suspended_at"] or user["deleted_at"]}
        hidden = {(viewer, author), (author, viewer)} & self.blocks or (viewer, author) in self.mutes
        if post["deleted_at"] or post["published_at"] > self.start or author in gone or hidden:
            return False
        followed = (viewer, author) in self.follows
        tagged = any((viewer, tag) in self.tag_follows for tag in self.tags_of[post["id"]])
        return {
            FeedKind.HOME: followed or tagged or author == viewer,
            FeedKind.FOLLOWING_USERS: followed,
            FeedKind.FOLLOWING_TAGS: tagged,
        }.get(kind, True)

    def slices(self, items: list[tuple[int, tuple[Any, ...]]], number: int) -> Iterator[Slice]:
        """Parts of a list: with one end, both or none, from each side, at items and between them."""
        keys = [key for _, key in items] or [(self.start, 1)]
        for _ in range(number):
            ends = sorted(self.random.choices(range(len(keys)), k=2))
            after, before = (keys[end] if self.random.random() < 0.6 else None for end in ends)
            backwards, is_inclusive = self.random.random() < 0.5, self.random.random() < 0.3
            yield Slice(self.random.choice([1, 2, 5, 30]), backwards, after, before, is_inclusive)


def part_of(
    items: list[tuple[int, tuple[Any, ...]]], part: Slice, *, ascending: bool
) -> list[tuple[int, tuple[Any, ...]]]:
    """What a statement for `part` must give: in reading direction, one more than the page."""
    sign = 1 if ascending else -1

    def follows(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return part.is_inclusive if one == other else (one > other) == (sign == 1)

    inside = [
        item
        for item in items
        if (part.after is None or follows(item[1], part.after))
        and (part.before is None or follows(part.before, item[1]))
    ]
    return (inside[::-1] if part.backwards else inside)[: part.limit + 1]


async def write_posts(engine: AsyncEngine, posts: list[dict[str, Any]], tags_of: dict[int, set[int]]) -> None:
    """Posts, the tags on them and their numbers."""
    ranked = ("hot_key", "like_count", "comment_count", "last_activity_at")
    tags = [
        {
            "post_id": post["id"],
            "tag_id": tag,
            "author_id": post["author_id"],
            "published_at": post["published_at"],
            "is_deleted": post["deleted_at"] is not None,
        }
        for post in posts
        for tag in tags_of[post["id"]]
    ]
    ranks = [
        {"post_id": post["id"], **{name: post[name] for name in ("author_id", *ranked)}}
        for post in posts
        if post["status"] != "draft"
    ]
    stats = [{"post_id": post["id"], "like_count": post["like_count"], "comment_count": 0} for post in posts]
    plain = [{name: value for name, value in post.items() if name not in ranked} for post in posts]
    async with engine.begin() as connection:
        await connection.execute(insert(models.Post), plain)
        for table, rows in ((models.PostTag, tags), (models.PostRank, ranks), (models.PostStats, stats)):
            if rows:
                await connection.execute(insert(table), rows)
