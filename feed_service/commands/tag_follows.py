"""Which tags a viewer follows: sets, never toggles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import people
from feed_service.commands.follows import ME
from feed_service.commands.permissions import not_found, signed_in
from feed_service.commands.transaction import Change, Transaction
from feed_service.errors import Invalid, Refused
from feed_service.queries.batches import each_of, ids_parameter
from feed_service.transactions import compiled
from feed_service.vocabulary import UserErrorCode

MOST_AT_ONCE = 100
MOST_FOLLOWED = 1_000
"""A feed looks at each of them."""

follow = models.TagFollow
_of_mine = (follow.user_id == ME, follow.tag_id == any_(ids_parameter("ids")))
_each = each_of(ids_parameter("ids"))
_rows = select(ME, _each.c.parent_id).select_from(_each).order_by(_each.c.parent_id)

BY_SLUGS = compiled(
    select(models.Tag.id, models.Tag.slug).where(models.Tag.slug == any_(bindparam("slugs", type_=ARRAY(Text))))
)
ADD = compiled(
    insert(follow).from_select(["user_id", "tag_id"], _rows).on_conflict_do_nothing().returning(follow.tag_id)
)
REMOVE = compiled(delete(follow).where(*_of_mine).returning(follow.tag_id))
NUMBER = compiled(select(func.count()).where(follow.user_id == ME))


@dataclass(frozen=True)
class Tags:
    """Those that were meant, in the order asked for, and why not the others, by their slugs."""

    tag_ids: list[int]
    refused: dict[str, Refused]


async def follow_tags(tx: Transaction, slugs: Sequence[str]) -> Tags:
    """Follow those there are. Raises Refused for too many at once, and if the viewer would follow too many."""
    tags = await tags_called(tx, slugs)
    me = await people.myself_alone(tx)
    new = await tx.sql.rows(ADD, me=me, ids=sorted(tags.tag_ids))
    if new and await tx.sql.value(NUMBER, me=me) > MOST_FOLLOWED:
        raise too_many(f"One can follow up to {MOST_FOLLOWED:,} tags.", MOST_FOLLOWED)
    tag_follows_counted(tx, me, (row["tag_id"] for row in new), +1)
    return tags


async def unfollow_tags(tx: Transaction, slugs: Sequence[str]) -> Tags:
    """Raises Refused for too many at once."""
    me, tags = signed_in(tx.viewer), await tags_called(tx, slugs)
    gone = await tx.sql.rows(REMOVE, me=me, ids=sorted(tags.tag_ids))
    tag_follows_counted(tx, me, (row["tag_id"] for row in gone), -1)
    return tags


async def tags_called(tx: Transaction, slugs: Sequence[str]) -> Tags:
    signed_in(tx.viewer)
    if len(slugs) > MOST_AT_ONCE:
        raise too_many(f"One call names up to {MOST_AT_ONCE} tags; these are {len(slugs)}.", MOST_AT_ONCE)
    ids = {row["slug"]: row["id"] for row in await tx.sql.rows(BY_SLUGS, slugs=list(slugs))}
    wanted = dict.fromkeys(slugs)
    return Tags(
        [ids[slug] for slug in wanted if slug in ids], {one: not_found("tag") for one in wanted if one not in ids}
    )


def too_many(message: str, most: int) -> Invalid:
    return Invalid(UserErrorCode.TOO_MANY, message, ("slugs",), f"max={most}")


def tag_follows_counted(tx: Transaction, me: int, tag_ids: Iterable[int], number: int) -> None:
    for tag_id in tag_ids:
        tx.count(models.TagStats, tag_id, follower_count=number)
        tx.changed(Change("tag_follow", "create" if number > 0 else "delete", tag_id, author_id=me))
