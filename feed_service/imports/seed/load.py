"""Loads a seeded database: everything in one transaction, so that a failed seed leaves nothing behind."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from feed_service.errors import ConfigurationError
from feed_service.imports.copy import copy_rows, counted, without_indexes
from feed_service.imports.derived import EVERYTHING, begin_epoch, refill
from feed_service.imports.report import Progress, Report
from feed_service.imports.seed import people, posts, reactions
from feed_service.imports.seed.plan import VIEWERS, SeedPlan

WITH_IDS = ("users", "tags", "categories", "posts", "comments")

# A seed may take minutes, and its sorts and hashes are worth memory that a request's are not.
SETTINGS = "SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '512MB'"


CONTINUE_IDS = """
    SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(max(id), 1), max(id) IS NOT NULL) FROM {table}
"""


async def seed(engine: AsyncEngine, plan: SeedPlan, progress: Progress) -> Report:
    """Fill an empty, migrated database with what `plan` says, numbers and statistics included.

    Raises:
        ConfigurationError: the database holds something already.
    """
    report = Report()
    async with engine.begin() as connection:
        for setting in SETTINGS.split("; "):
            await connection.execute(text(setting))
        await refuse_unless_empty(connection)
        async with without_indexes(connection, progress):
            await Load(connection, plan, progress, report).everything()
            await connection.execute(text("ANALYZE"))
            await refill(connection, EVERYTHING, progress)
        await begin_epoch(connection)
        for table in WITH_IDS:
            await connection.execute(text(CONTINUE_IDS.format(table=table)))
    await vacuum(engine)
    return report


async def refuse_unless_empty(connection: AsyncConnection) -> None:
    for table in WITH_IDS:
        # The lock also keeps out whoever writes meanwhile: the indexes are about to be dropped.
        await connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        if await connection.scalar(text(f"SELECT EXISTS (SELECT FROM {table})")):  # noqa: S608 - our own names.
            raise ConfigurationError(f"The database is not empty, it has {table}; seed fills empty databases only.")


async def vacuum(engine: AsyncEngine) -> None:
    """Mark the new pages as visible to all, without which no index-only scan is index-only."""
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("VACUUM ANALYZE"))


@dataclass
class Load:
    connection: AsyncConnection
    plan: SeedPlan
    progress: Progress
    report: Report
    followed: dict[int, set[int]] = field(default_factory=dict)

    async def everything(self) -> None:
        plan = self.plan
        blocks = people.between_users(plan, "blocks", plan.blocks)
        mutes = people.between_users(plan, "mutes", plan.mutes)
        written = posts.Posts(plan)
        await self.copy("users", people.USER, people.users(plan), plan.users)
        await self.copy("tags", ("id", "slug", "name"), people.tags(plan), plan.tags)
        await self.copy("categories", ("id", "slug", "name", "description", "position"), people.categories(), 8)
        await self.copy("posts", posts.POST, written.rows(), plan.posts)
        await self.copy("post_stats", ("post_id", "view_count"), written.views(), plan.posts)
        tagged = ("post_id", "tag_id", "author_id", "published_at", "is_deleted")
        await self.copy("post_tags", tagged, written.tags(), 2 * plan.posts)
        await self.pairs("blocks", ("blocker_id", "blocked_id"), sorted(blocks), plan.blocks)
        await self.pairs("mutes", ("muter_id", "muted_id"), sorted(mutes), plan.mutes)
        follows = self.remembered(people.follows(plan, blocks))
        await self.pairs("user_follows", ("follower_id", "followee_id"), follows, plan.follows)
        await self.pairs("tag_follows", ("user_id", "tag_id"), people.tag_follows(plan), 3 * plan.users)
        await self.reactions(reactions.Reactions(plan, written))

    async def reactions(self, made: reactions.Reactions) -> None:
        plan = self.plan
        await self.copy("comments", reactions.COMMENT, made.comments(), plan.comments)
        await self.copy("post_likes", reactions.POST_LIKE, made.post_likes(self.followed), plan.post_likes)
        await self.copy("comment_likes", reactions.COMMENT_LIKE, made.comment_likes(), plan.comment_likes)
        await self.copy("bookmarks", ("user_id", "post_id", "saved_at"), made.bookmarks(), plan.bookmarks)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], total: int) -> None:
        tally = self.report.kind(table)
        tally.written = await copy_rows(self.connection, table, columns, counted(rows, self.progress, table, total))
        tally.read = tally.written

    async def pairs(self, table: str, columns: Sequence[str], pairs: Iterable[tuple[int, int]], total: int) -> None:
        await self.copy(table, (*columns, "created_at"), people.dated(iter(pairs), self.plan, table), total)

    def remembered(self, follows: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The same pairs, noting whom the viewers follow: they like some of those people's posts."""
        for follower, followee in follows:
            if follower <= len(VIEWERS):
                self.followed.setdefault(follower, set()).add(followee)
            yield follower, followee
