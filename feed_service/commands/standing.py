"""Where a post stands - draft, scheduled, published, deleted - and what follows from it: links, ranks, words, numbers.

A command that moves a post has its row locked `FOR NO KEY UPDATE`. Likes, comments and bookmarks, their deletions and
the counting of views all take it `FOR SHARE`, so nobody moves its numbers meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import BigInteger, DateTime, Text, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from feed_service import models
from feed_service.commands import tagging
from feed_service.commands.audit import AuditEvent
from feed_service.commands.content import POST_ID
from feed_service.commands.transaction import Change, Transaction
from feed_service.queries import derived
from feed_service.queries.batches import ids_parameter
from feed_service.queries.stats import Numbers
from feed_service.transactions import compiled

NEVER = datetime.max.replace(tzinfo=UTC)
"""How the driver writes PostgreSQL's infinity."""

IDS = ids_parameter("ids")

post, stats = models.Post, models.PostStats
STAND = compiled(
    update(post)
    .where(post.id == POST_ID)
    .values(
        status=bindparam("status", type_=Text), published_at=bindparam("published_at", type_=DateTime(timezone=True)),
        deleted_at=bindparam("deleted_at", type_=DateTime(timezone=True)),
        deleted_by_id=bindparam("deleted_by_id", type_=BigInteger), updated_at=func.now(),
    )
)  # fmt: skip


def filling(model: type[models.Base], definition: Numbers) -> Any:  # noqa: ANN401 - an insert.
    """Writes the rows of `definition`, whether they were there or not."""
    names = [column.name for column in definition.selected_columns]
    rows = upsert(model).from_select(names, definition)
    changes = {name: rows.excluded[name] for name in names if not model.__table__.c[name].primary_key}
    return rows.on_conflict_do_update(index_elements=list(model.__table__.primary_key), set_=changes)


_words = filling(models.PostSearch, derived.post_documents(IDS))
FILL_WORDS = compiled(_words)
FILL_LISTS = compiled(_words.add_cte(filling(models.PostRank, derived.post_ranks(IDS)).cte("ranked")))
_unranked = delete(models.PostRank).where(models.PostRank.post_id == POST_ID).cte("unranked")
CLEAR_LISTS = compiled(delete(models.PostSearch).where(models.PostSearch.post_id == POST_ID).add_cte(_unranked))
NUMBERS = compiled(select(stats.like_count, stats.view_count).where(stats.post_id == POST_ID))


class Standing(NamedTuple):
    status: str
    published_at: datetime
    deleted_at: datetime | None = None
    deleted_by_id: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The driver reads infinity without a time zone."""
        return cls(row["status"], row["published_at"].replace(tzinfo=UTC), row["deleted_at"], row["deleted_by_id"])

    @property
    def counts(self) -> bool:
        """Whether it is among the numbers of its author and its tags: see `stats.post_counts`."""
        return self.status == "published" and self.deleted_at is None

    @property
    def is_in_lists(self) -> bool:
        """Whether it has its place in lists and searches, which a scheduled post has beforehand."""
        return self.status != "draft" and self.deleted_at is None

    def is_live(self, now: datetime) -> bool:
        return self.deleted_at is None and self.published_at <= now

    def told(self) -> dict[str, Any]:
        """For the audit trail, in JSON."""
        times = (("published_at", self.published_at), ("deleted_at", self.deleted_at))
        known = {name: time.isoformat() for name, time in times if time not in {None, NEVER}}
        return {"status": self.status, **known} | ({"deleted_by_id": self.deleted_by_id} if self.deleted_at else {})


NOWHERE = Standing("draft", NEVER)
"""Where a post stands that is not there yet."""

NOTHING = {"like_count": 0, "view_count": 0}


async def move(tx: Transaction, row: Mapping[str, Any], after: Standing, action: str) -> None:
    """Have a post, locked, stand elsewhere. `row` has `now`, the time of the transaction, and what it was."""
    before, tags = Standing.of(row), await tagging.tags_of(tx, row["id"])
    await tx.sql.run(STAND, post_id=row["id"], **after._asdict())
    if tags:
        is_deleted = after.deleted_at is not None
        await tagging.move_links(tx, row["id"], after.published_at, is_deleted=is_deleted)
    if after.is_in_lists:
        await tx.sql.run(FILL_LISTS, ids=[row["id"]])
    elif before.is_in_lists:
        await tx.sql.run(CLEAR_LISTS, post_id=row["id"])
    if after.counts != before.counts:
        sign = +1 if after.counts else -1
        count(tx, row["author_id"], sign, await tx.sql.row(NUMBERS, post_id=row["id"]), tags)
    tell(tx, row, action, (before, tags), (after, tags))
    tx.audited(AuditEvent(f"post.{action}", "post", row["id"], {"before": before.told(), "after": after.told()}))


async def begin(tx: Transaction, row: Mapping[str, Any], tags: Sequence[int]) -> Standing:
    """Have a new post, with its tags, stand where it begins."""
    after = Standing.of(row)
    await tagging.link_tags(tx, row["id"], row["author_id"], after.published_at, (), tags)
    if after.is_in_lists:
        await tx.sql.run(FILL_LISTS, ids=[row["id"]])
    if after.counts:
        count(tx, row["author_id"], +1, NOTHING, tags)
    tell(tx, row, "create", (NOWHERE, ()), (after, tags))
    return after


def count(tx: Transaction, author_id: int, sign: int, numbers: Mapping[str, Any], tags: Sequence[int]) -> None:
    """Add a post with its likes and views to its author and its tags (+1), or take it away (-1)."""
    likes, views = numbers["like_count"], numbers["view_count"]
    moved = {"post_count": sign, "received_like_count": sign * likes, "view_count": sign * views}
    tx.count(models.UserStats, author_id, **moved)
    for tag_id in tags:
        tx.count(models.TagStats, tag_id, post_count=sign)


def tell(
    tx: Transaction,
    row: Mapping[str, Any],
    action: str,
    was: tuple[Standing, Sequence[int]],
    now: tuple[Standing, Sequence[int]],
) -> None:
    """Append to the change log: where the post stood and with which tags, before and after."""
    (before, was_tagged), (after, is_tagged) = was, now
    tx.changed(
        Change(
            "post", action, row["id"], author_id=row["author_id"], post_id=row["id"],
            was_listed=before.is_live(row["now"]), is_listed=after.is_live(row["now"]),
            was_published_at=finite(before), is_published_at=finite(after),
            was_tagged=list(was_tagged), is_tagged=list(is_tagged),
        )
    )  # fmt: skip


def finite(standing: Standing) -> datetime | None:
    return None if standing.published_at == NEVER else standing.published_at
