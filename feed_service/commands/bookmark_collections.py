"""The shelves on which a user sorts bookmarks: up to 100, whose names differ in more than upper and lower case."""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, insert, select, update

from feed_service import models
from feed_service.accounts import rules
from feed_service.commands import people
from feed_service.commands.likes import ME
from feed_service.commands.permissions import not_found, signed_in
from feed_service.commands.transaction import Change, Transaction, not_repeatable
from feed_service.errors import Invalid, Refused
from feed_service.transactions import compiled
from feed_service.vocabulary import UserErrorCode

MOST_COLLECTIONS = 100

COLLECTION_ID = bindparam("collection_id", type_=BigInteger)
NAME = bindparam("name", type_=Text)

collection, collected = models.BookmarkCollection, models.CollectedBookmark
_this = (collection.id == COLLECTION_ID, collection.user_id == ME)

NAMED = compiled(
    select(collection.id, collection.name).where(
        collection.user_id == ME, func.lower(collection.name) == func.lower(NAME)
    )
)
NUMBER = compiled(select(func.count()).where(collection.user_id == ME))
ADD = compiled(insert(collection).values(user_id=ME, name=NAME).returning(collection.id))
OLD_NAME = compiled(select(collection.name).where(*_this))
RENAME = compiled(update(collection).where(*_this).values(name=NAME))
HELD = compiled(select(collection.id).where(*_this).with_for_update())
EMPTY = compiled(delete(collected).where(collected.collection_id == COLLECTION_ID))
REMOVE = compiled(delete(collection).where(*_this))


async def create_collection(tx: Transaction, name: str) -> int:
    """The id of the collection; of the one there is, if it is called just so. Raises Refused."""
    me = await people.myself_alone(tx)
    name = rules.display_name(name, ("name",))
    same = await namesake(tx, me, name)
    if same is not None and same["name"] == name:
        return int(same["id"])
    if same is not None:
        raise taken()
    if await tx.sql.value(NUMBER, me=me) >= MOST_COLLECTIONS:
        message = f"There can be up to {MOST_COLLECTIONS} collections."
        raise Invalid(UserErrorCode.TOO_MANY, message, (), f"max={MOST_COLLECTIONS}")
    collection_id: int = await tx.sql.value(ADD, me=me, name=name)
    tx.changed(Change("bookmark_collection", "create", collection_id, author_id=me))
    return collection_id


async def rename_collection(tx: Transaction, collection_id: int, name: str) -> None:
    """Raises Refused: it is not the viewer's, or another one is called so."""
    me = await people.myself_alone(tx)
    name = rules.display_name(name, ("name",))
    old_name = await tx.sql.value(OLD_NAME, me=me, collection_id=collection_id)
    if old_name is None:
        raise not_found("collection")
    if old_name == name:
        return
    same = await namesake(tx, me, name)
    if same is not None and same["id"] != collection_id:
        raise taken()
    await tx.sql.run(RENAME, me=me, collection_id=collection_id, name=name)
    tx.changed(Change("bookmark_collection", "update", collection_id, author_id=me))


@not_repeatable
async def delete_collection(tx: Transaction, collection_id: int) -> None:
    """The bookmarks that stood in it stay. Raises Refused if it is not the viewer's."""
    me = signed_in(tx.viewer)
    if await tx.sql.value(HELD, me=me, collection_id=collection_id) is None:
        raise not_found("collection")
    await tx.sql.run(EMPTY, collection_id=collection_id)
    await tx.sql.run(REMOVE, me=me, collection_id=collection_id)
    tx.changed(Change("bookmark_collection", "delete", collection_id, author_id=me))


async def namesake(tx: Transaction, me: int, name: str) -> Any:  # noqa: ANN401 - a record or None.
    return await tx.sql.row(NAMED, me=me, name=name)


def taken() -> Refused:
    return Refused(UserErrorCode.TAKEN, "Another collection is called so already.", ("name",))
