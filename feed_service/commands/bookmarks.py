"""Bookmarks, which only their owner sees: sets, never toggles. A bookmark stands on any of its owner's collections."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import any_, delete, not_, select
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import content
from feed_service.commands.content import POST_ID
from feed_service.commands.likes import ME
from feed_service.commands.permissions import not_found, signed_in
from feed_service.commands.transaction import Change, Transaction
from feed_service.errors import Invalid, Refused
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import compiled
from feed_service.vocabulary import UserErrorCode

MOST_COLLECTIONS = 20
"""On which one bookmark may stand."""

bookmark, collection, collected = models.Bookmark, models.BookmarkCollection, models.CollectedBookmark
_this = (bookmark.user_id == ME, bookmark.post_id == POST_ID)
_standing = (collected.user_id == ME, collected.post_id == POST_ID)
_wanted = (collection.id == any_(ids_parameter("ids")), collection.user_id == ME)

ADD = compiled(
    insert(bookmark).values(user_id=ME, post_id=POST_ID).on_conflict_do_nothing().returning(bookmark.saved_at)
)
HELD = compiled(select(bookmark.saved_at).where(*_this).with_for_update(key_share=True))
REMOVE = compiled(delete(bookmark).where(*_this))
COLLECTIONS = compiled(select(collection.id).where(*_wanted).order_by(collection.id).with_for_update(read=True))
TAKE_OFF = compiled(delete(collected).where(*_standing, not_(collected.collection_id == any_(ids_parameter("ids")))))
_rows = select(collection.id, bookmark.user_id, bookmark.post_id, bookmark.saved_at).where(*_this, *_wanted)
PUT_ON = compiled(
    insert(collected)
    .from_select(["collection_id", "user_id", "post_id", "saved_at"], _rows.order_by(collection.id))
    .on_conflict_do_nothing()
)


async def bookmark_post(tx: Transaction, post_id: int, collection_ids: Sequence[int] | None = None) -> None:
    """Keep a post, on these collections and on no others; None leaves it where it stands.

    Raises Refused for a post that is not listed for the viewer, and for collections that are not the viewer's.
    """
    me = signed_in(tx.viewer)
    post = await content.listed_post(tx, post_id)
    if collection_ids is not None:
        await own_collections(tx, me, collection_ids)
    if await tx.sql.value(ADD, me=me, post_id=post_id):
        bookmark_counted(tx, post, +1)
    if collection_ids is not None:
        await stand_on(tx, me, post, collection_ids)


async def own_collections(tx: Transaction, me: int, collection_ids: Sequence[int]) -> None:
    """Lock the collections, so that they stay until the commit. Raises Refused unless all of them are the viewer's."""
    if len(collection_ids) > MOST_COLLECTIONS:
        message = f"A bookmark stands on up to {MOST_COLLECTIONS} collections."
        raise Invalid(UserErrorCode.TOO_MANY, message, ("collectionIds",), f"max={MOST_COLLECTIONS}")
    found = {row["id"] for row in await tx.sql.rows(COLLECTIONS, me=me, ids=list(collection_ids))}
    for place, collection_id in enumerate(collection_ids):
        if collection_id not in found:
            refusal = not_found("collection")
            raise Refused(refusal.reason, str(refusal), ("collectionIds", str(place)))


async def stand_on(tx: Transaction, me: int, post: dict[str, int], collection_ids: Sequence[int]) -> None:
    """The lock on the bookmark puts calls for it in a row. If it was removed before we had that, it is made again."""
    saved_at: datetime | None = await tx.sql.value(HELD, me=me, post_id=post["id"])
    while saved_at is None:
        if await tx.sql.value(ADD, me=me, post_id=post["id"]):
            bookmark_counted(tx, post, +1)
        saved_at = await tx.sql.value(HELD, me=me, post_id=post["id"])
    gone = await tx.sql.run(TAKE_OFF, me=me, post_id=post["id"], ids=list(collection_ids))
    new = await tx.sql.run(PUT_ON, me=me, post_id=post["id"], ids=list(collection_ids))
    if gone or new:
        tx.changed(Change("bookmark", "update", post["id"], author_id=me, post_id=post["id"]))


async def unbookmark_post(tx: Transaction, post_id: int) -> None:
    """Also a post that cannot be seen any more. Raises Refused if there is neither a bookmark nor such a post."""
    me = signed_in(tx.viewer)
    post = await tx.sql.row(content.ANY_POST, post_id=post_id)
    if await tx.sql.run(REMOVE, me=me, post_id=post_id):
        bookmark_counted(tx, post, -1)
    else:
        await content.listed_post(tx, post_id)


def bookmark_counted(tx: Transaction, post: dict[str, int], number: int) -> None:
    tx.count(models.PostStats, post["id"], bookmark_count=number)
    action = "create" if number > 0 else "delete"
    tx.changed(Change("bookmark", action, post["id"], author_id=post["author_id"], post_id=post["id"]))
