"""Loads `demo.toml` into an empty database, with times relative to the loading."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from feed_service.imports.copy import copy_rows, new_ids
from feed_service.imports.demo.posts import BOOKMARK, COMMENT, POST, POST_LIKE, POST_TAG, VIEWS, DemoPosts
from feed_service.imports.derived import EVERYTHING, begin_epoch, refill
from feed_service.imports.report import Report

CONTENT = Path(__file__).with_name("demo.toml")
JOINED = timedelta(days=400)

ONE_AT_A_TIME = "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"
"""Two services that start at once on an empty database load the set once."""

USER = ("id", "username", "display_name", "bio", "created_at")
CATEGORY = ("id", "slug", "name", "description", "position")
PAIRS = (
    ("follows", "user_follows", ("follower_id", "followee_id", "created_at"), "people"),
    ("follows_tags", "tag_follows", ("user_id", "tag_id", "created_at"), "tags"),
    ("blocks", "blocks", ("blocker_id", "blocked_id", "created_at"), "people"),
    ("mutes", "mutes", ("muter_id", "muted_id", "created_at"), "people"),
)
"""(section of the file, table, columns, what the listed names are)."""


async def load_demo(engine: AsyncEngine, now: datetime) -> Report | None:
    """Load the demo set; None, and nothing done, when there are users already."""
    async with engine.begin() as connection:
        await connection.execute(text(ONE_AT_A_TIME))
        if await connection.scalar(text("SELECT EXISTS (SELECT FROM users)")):
            return None
        content = tomllib.loads(CONTENT.read_text(encoding="utf-8"))
        demo = Demo(connection, content, now)
        await demo.load()
        await refill(connection, EVERYTHING, lambda *_: None)
        await begin_epoch(connection)
    return demo.report


class Demo:
    """`ids` maps the names in each section of the file to ids here."""

    def __init__(self, connection: AsyncConnection, content: dict[str, Any], now: datetime) -> None:
        self.connection = connection
        self.content = content
        self.now = now
        self.report = Report()
        self.ids: dict[str, dict[str, int]] = {}

    async def load(self) -> None:
        for section, table in (("people", "users"), ("tags", "tags"), ("categories", "categories")):
            names = self.content[section]
            self.ids[section] = dict(zip(names, await new_ids(self.connection, table, len(names)), strict=True))
        await self.load_named()
        for section, table, columns, kind in PAIRS:
            await self.write(table, columns, self.pairs(self.content[section], self.ids[kind]))
        await self.load_posts()

    async def load_named(self) -> None:
        people, tags, categories = (self.ids[section].items() for section in ("people", "tags", "categories"))
        about = self.content["people"] | self.content["categories"]
        joined = self.now - JOINED
        await self.write("users", USER, [(id_, name, *about[name].split(" | "), joined) for name, id_ in people])
        await self.write(
            "tags", ("id", "slug", "name"), [(id_, slug, self.content["tags"][slug]) for slug, id_ in tags]
        )
        await self.write(
            "categories", CATEGORY, [(id_, slug, *about[slug].split(" | "), id_) for slug, id_ in categories]
        )

    def pairs(self, listed: dict[str, str], others: dict[str, int]) -> list[tuple[Any, ...]]:
        since = self.now - JOINED / 2
        return [
            (self.ids["people"][name], others[other], since + timedelta(minutes=place))
            for name, names in listed.items()
            for place, other in enumerate(names.split())
        ]

    async def load_posts(self) -> None:
        ids = await new_ids(self.connection, "posts", len(self.content["posts"]))
        posts = DemoPosts(
            dict(zip(ids, self.content["posts"], strict=True)), self.ids, self.content["blocks"], self.now
        )
        await self.write("posts", POST, posts.rows())
        await self.write("post_tags", POST_TAG, posts.tags())
        await self.write("comments", COMMENT, posts.comments(await new_ids(self.connection, "comments", posts.lines)))
        await self.write("post_likes", POST_LIKE, posts.chosen("likes"))
        await self.write("bookmarks", BOOKMARK, posts.chosen("bookmarks"))
        await self.write("post_stats", VIEWS, posts.views())

    async def write(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        tally = self.report.kind(table)
        tally.read = tally.written = await copy_rows(self.connection, table, columns, rows)
