"""Posts as they are stored: looked up and locked, deleted and restored with all that repeats their state."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    any_,
    bindparam,
    delete,
    false,
    func,
    literal,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import content
from feed_service.commands.bulk.statements import BIGINTS, TEXTS, among
from feed_service.commands.transaction import Transaction
from feed_service.models.posts import NEVER
from feed_service.queries import derived
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import Statement, compiled

post, tag, deletion = models.Post, models.PostTag, models.BulkDeletion
BULK_ID = bindparam("bulk_id", type_=BigInteger)
ACTOR = bindparam("actor", type_=BigInteger)
IDS = ids_parameter("ids")

Posts = dict[int, Any]
"""Records by id."""

WITH_SLUGS = compiled(select(post.id, post.slug).where(post.slug == any_(bindparam("slugs", type_=TEXTS))))
LOCKED = compiled(
    select(post.id, post.author_id, post.status, post.deleted_at, post.deleted_by_id, func.now().label("now"))
    .where(post.id == any_(IDS))
    .order_by(post.id)
    .with_for_update(key_share=True)
)
_stats = models.PostStats
NUMBERS = compiled(select(_stats.post_id, _stats.like_count, _stats.view_count).where(_stats.post_id == any_(IDS)))
TAGS = compiled(select(tag.post_id, tag.tag_id).where(tag.post_id == any_(IDS)))
# Whoever takes a deletion over, as an account does that ends, makes it another one.
_is_theirs = post.deleted_by_id.is_not_distinct_from(models.Bulk.created_by_id)
DELETIONS = compiled(
    select(deletion.bulk_id, deletion.post_id)
    .join(post, (post.id == deletion.post_id) & (post.deleted_at == deletion.deleted_at))
    .join(models.Bulk, (models.Bulk.id == deletion.bulk_id) & _is_theirs)
    .where(among(deletion.post_id, "ids", BIGINTS))
)
ENDED = compiled(select(models.User.id).where(models.User.id == any_(IDS), models.User.deleted_at.is_not(None)))

_is_meant = post.id == any_(IDS)
DELETE = compiled(
    update(post).where(_is_meant).values(deleted_at=func.now(), deleted_by_id=ACTOR, updated_at=func.now())
)
RESTORE = compiled(update(post).where(_is_meant).values(deleted_at=null(), deleted_by_id=null(), updated_at=func.now()))
_note = select(BULK_ID, post.id, post.deleted_at).where(post.id == any_(IDS))
_noted = insert(deletion).from_select(["bulk_id", "post_id", "deleted_at"], _note)
NOTE = compiled(
    _noted.on_conflict_do_update(index_elements=["bulk_id", "post_id"], set_={"deleted_at": _noted.excluded.deleted_at})
)
HIDE_TAGS = compiled(update(tag).where(tag.post_id == any_(IDS)).values(is_deleted=true()))
SHOW_TAGS = compiled(update(tag).where(tag.post_id == any_(IDS)).values(is_deleted=false()))
TAKE_RANKS = compiled(delete(models.PostRank).where(models.PostRank.post_id == any_(IDS)))
TAKE_WORDS = compiled(delete(models.PostSearch).where(models.PostSearch.post_id == any_(IDS)))


def filled(model: type[models.Base], definition: Any) -> Statement:  # noqa: ANN401 - a statement of queries.derived.
    names = [column.name for column in definition.selected_columns]
    return compiled(insert(model).from_select(names, definition))


GIVE_RANKS = filled(models.PostRank, derived.post_ranks(IDS))
GIVE_WORDS = filled(models.PostSearch, derived.post_documents(IDS))


def logged(action: str, was_listed: ColumnElement[bool], is_listed: ColumnElement[bool]) -> Statement:
    """Events about `:ids`, in the words of `transaction.Change`."""
    published_at = func.nullif(post.published_at, NEVER)
    tags = func.array(select(tag.tag_id).where(tag.post_id == post.id).order_by(tag.tag_id).scalar_subquery())
    values = {
        "kind": literal("post"), "action": literal(action), "subject_id": post.id, "actor_id": ACTOR,
        "author_id": post.author_id, "post_id": post.id, "was_listed": was_listed, "is_listed": is_listed,
        "was_published_at": published_at, "is_published_at": published_at, "was_tagged": tags, "is_tagged": tags,
    }  # fmt: skip
    rows = select(*values.values()).where(post.id == any_(IDS)).order_by(post.id)
    return compiled(insert(models.ChangeLog).from_select([*values], rows))


LOG_DELETED = logged("delete", was_listed=post.published_at <= func.now(), is_listed=false())
LOG_RESTORED = logged("restore", was_listed=false(), is_listed=post.published_at <= func.now())


async def ids_of(tx: Transaction, references: Collection[str | int]) -> dict[str | int, int]:
    """By the reference given, an id or a slug; an id may be nobody's."""
    slugs = sorted({reference for reference in references if isinstance(reference, str)})
    found = await tx.sql.rows(WITH_SLUGS, slugs=slugs) if slugs else []
    ids: dict[str | int, int] = {reference: reference for reference in references if isinstance(reference, int)}
    return ids | {row["slug"]: row["id"] for row in found}


async def lock_posts(tx: Transaction, ids: Collection[int]) -> Posts:
    """Those there are, whatever their state, locked in the order of their ids."""
    return {row["id"]: row for row in await tx.sql.rows(LOCKED, ids=sorted(set(ids)))}


async def deletions_of(tx: Transaction, ids: Collection[int]) -> set[tuple[int, int]]:
    """(bulk, post) of those posts that are deleted as that bulk has left them."""
    return {(row["bulk_id"], row["post_id"]) for row in await tx.sql.rows(DELETIONS, ids=sorted(ids))}


async def ended_among(tx: Transaction, posts: Iterable[Any]) -> set[int]:
    """The authors whose accounts are no more: nothing of theirs comes back."""
    return {row["id"] for row in await tx.sql.rows(ENDED, ids=sorted({one["author_id"] for one in posts}))}


async def hide(tx: Transaction, bulk_id: int, posts: Sequence[Any]) -> None:
    """Delete the locked posts, and note that this bulk did it."""
    ids = [one["id"] for one in posts]
    await tx.sql.run(LOG_DELETED, ids=ids, actor=tx.viewer.user_id)
    await tx.sql.run(DELETE, ids=ids, actor=tx.viewer.user_id)
    await tx.sql.run(NOTE, ids=ids, bulk_id=bulk_id)
    for statement in (HIDE_TAGS, TAKE_RANKS, TAKE_WORDS):
        await tx.sql.run(statement, ids=ids)
    await _count(tx, posts, -1)


async def show(tx: Transaction, posts: Sequence[Any]) -> None:
    """Restore the locked posts."""
    ids = [one["id"] for one in posts]
    await tx.sql.run(RESTORE, ids=ids)
    for statement in (SHOW_TAGS, GIVE_RANKS, GIVE_WORDS):
        await tx.sql.run(statement, ids=ids)
    await tx.sql.run(LOG_RESTORED, ids=ids, actor=tx.viewer.user_id)
    await _count(tx, posts, +1)


async def _count(tx: Transaction, posts: Sequence[Any], number: int) -> None:
    """A post counts for its author and its tags while it is published: see `stats.post_counts`.

    Its likes cannot move: who likes it locks the post as well. They are read anew, as of after the locks.
    """
    author_of = {one["id"]: one["author_id"] for one in posts if content.counts_for_author({**one, "deleted_at": None})}
    for row in await tx.sql.rows(NUMBERS, ids=sorted(author_of)):
        likes, views = number * row["like_count"], number * row["view_count"]
        author_id = author_of[row["post_id"]]
        tx.count(models.UserStats, author_id, post_count=number, received_like_count=likes, view_count=views)
    for row in await tx.sql.rows(TAGS, ids=sorted(author_of)):
        tx.count(models.TagStats, row["tag_id"], post_count=number)
