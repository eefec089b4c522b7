"""Tags on posts: found by their slug, made when they are new, and linked with what a tag's feed needs."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, Text, any_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from feed_service import models
from feed_service.accounts.rules import HIDDEN
from feed_service.commands import texts
from feed_service.commands.content import POST_ID
from feed_service.commands.transaction import Transaction
from feed_service.errors import Invalid
from feed_service.queries.batches import each_of, ids_parameter
from feed_service.slugs import slug_of
from feed_service.transactions import compiled
from feed_service.vocabulary import UserErrorCode

MOST_TAGS = 20
MOST_IN_NAME = 100

tag, link = models.Tag, models.PostTag
SLUGS = bindparam("slugs", type_=ARRAY(Text))
TAG_IDS = ids_parameter("tag_ids")

FIND = compiled(select(tag.id, tag.slug).where(tag.slug == any_(SLUGS)))

_new = func.unnest(SLUGS, bindparam("names", type_=ARRAY(Text))).table_valued("slug", "name").render_derived(name="new")
_made = (
    upsert(tag)
    .from_select(["slug", "name"], select(_new.c.slug, _new.c.name).order_by(_new.c.slug))
    .on_conflict_do_nothing(index_elements=[tag.slug])
    .returning(tag.id)
    .cte("made")
)
MAKE = compiled(insert(models.TagStats).from_select(["tag_id"], select(_made.c.id)))

_ids = each_of(TAG_IDS)
LINK = compiled(
    insert(link).from_select(
        ["post_id", "tag_id", "author_id", "published_at", "is_deleted"],
        select(
            POST_ID, _ids.c.parent_id, bindparam("author_id", type_=BigInteger),
            bindparam("published_at", type_=DateTime(timezone=True)), bindparam("is_deleted", type_=Boolean),
        ),
    )
)  # fmt: skip
UNLINK = compiled(delete(link).where(link.post_id == POST_ID, link.tag_id == any_(TAG_IDS)))
TAGS_OF = compiled(select(link.tag_id).where(link.post_id == POST_ID).order_by(link.tag_id))
MOVE = compiled(
    update(link)
    .where(link.post_id == POST_ID)
    .values(
        published_at=bindparam("published_at", type_=DateTime(timezone=True)),
        is_deleted=bindparam("is_deleted", type_=Boolean),
    )
)


def named(names: Sequence[str], field: Iterable[str] = ("tags",)) -> Mapping[str, str]:
    """Names by their slugs; names of one slug are one tag. Raises Refused, BadUserInput for what is no text."""
    path = tuple(field)
    found: dict[str, str] = {}
    for place, name in enumerate(names):
        clean = tag_name(name, (*path, str(place)))
        found.setdefault(slug_of(clean), clean)
    if len(found) > MOST_TAGS:
        raise Invalid(UserErrorCode.TOO_MANY, f"A post has up to {MOST_TAGS} tags.", path, f"max={MOST_TAGS}")
    return found


def tag_name(name: str, field: Sequence[str]) -> str:
    """White space is of no account in a name, nor is the sign before it."""
    clean = " ".join(texts.written(name, "A tag", MOST_IN_NAME, field).split()).lstrip("#")
    texts.shown(clean, "A tag", field)
    # Everybody reads the name that the first gave it: letters that turn the text around it would spoil their pages.
    if HIDDEN.search(clean):
        raise Invalid(UserErrorCode.INVALID, "A tag is one line.", tuple(field), "one line")
    if not any(unicodedata.category(letter)[0] in "LN" for letter in clean):
        raise Invalid(UserErrorCode.INVALID, "A tag has a letter or a digit.", tuple(field), "a letter or a digit")
    return clean


async def tag_ids(tx: Transaction, names: Mapping[str, str]) -> list[int]:
    """The ids of these tags in ascending order, the new ones made.

    New tags are made in the order of their slugs, so that two who make the same ones wait for each other one way only.
    """
    if not names:
        return []
    found = await _found(tx, names)
    missing = sorted(names.keys() - found.keys())
    if missing:
        await tx.sql.run(MAKE, slugs=missing, names=[names[slug] for slug in missing])
        found = await _found(tx, names)
    return sorted(found.values())


async def _found(tx: Transaction, names: Mapping[str, str]) -> dict[str, int]:
    return {row["slug"]: row["id"] for row in await tx.sql.rows(FIND, slugs=list(names))}


async def tags_of(tx: Transaction, post_id: int) -> list[int]:
    return [row["tag_id"] for row in await tx.sql.rows(TAGS_OF, post_id=post_id)]


async def link_tags(
    tx: Transaction, post_id: int, author_id: int, published_at: datetime, was: Sequence[int], now: Sequence[int]
) -> None:
    """Have a post that is not deleted carry the tags `now` instead of `was`."""
    gone, new = sorted({*was} - {*now}), sorted({*now} - {*was})
    if gone:
        await tx.sql.run(UNLINK, post_id=post_id, tag_ids=gone)
    if new:
        row = {"author_id": author_id, "published_at": published_at, "is_deleted": False}
        await tx.sql.run(LINK, post_id=post_id, tag_ids=new, **row)


async def move_links(tx: Transaction, post_id: int, published_at: datetime, *, is_deleted: bool) -> None:
    """Repeat on the links what has become of the post."""
    await tx.sql.run(MOVE, post_id=post_id, published_at=published_at, is_deleted=is_deleted)
