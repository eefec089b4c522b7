"""Follows: `{"follower": "ann", "followee": 17}`, each a user name or an id."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    cast,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands.bulk.lines import Fields, Outcome, Row, is_name_or_id, refused
from feed_service.commands.bulk.people import Ids, known_people, live_people
from feed_service.commands.bulk.run import Run, first_time
from feed_service.commands.bulk.statements import BIGINTS, given
from feed_service.commands.transaction import Transaction
from feed_service.transactions import Statement, compiled

FIELDS = Fields({"follower": is_name_or_id, "followee": is_name_or_id}, frozenset({"follower", "followee"}))

Pair = tuple[int, int]
Known = tuple[int | None, int | None]

follow, block = models.UserFollow, models.Block

_pair = given(followers=BIGINTS, followees=BIGINTS)
_follower, _followee = _pair.c.followers, _pair.c.followees


def is_blocked() -> ColumnElement[bool]:
    """Whether a block stands between the two, whoever set it."""
    return or_(
        *(
            select(block.blocker_id).where(block.blocker_id == one, block.blocked_id == other).exists()
            for one, other in ((_follower, _followee), (_followee, _follower))
        )
    )


def added_pairs() -> Statement:
    """Adds those that are not there and may be, says so in the change log, and answers with them."""
    rows = select(_follower, _followee).where(~is_blocked())
    made = insert(follow).from_select(["follower_id", "followee_id"], rows).on_conflict_do_nothing()
    return logged(made.returning(follow.follower_id, follow.followee_id).cte("moved"), "create")


def removed_pairs() -> Statement:
    """Takes away those that are there, in the order of their key; else as `added_pairs`."""
    key = (follow.follower_id, follow.followee_id)
    found = (
        select(*key)
        .join(_pair, (follow.follower_id == _follower) & (follow.followee_id == _followee))
        .order_by(*key)
        .with_for_update(of=follow)
        .cte("found")
    )
    gone = delete(follow).where(follow.follower_id == found.c.follower_id, follow.followee_id == found.c.followee_id)
    return logged(gone.returning(*key).cte("moved"), "delete")


def logged(moved: Any, action: str) -> Statement:  # noqa: ANN401 - SQLAlchemy has no public name for such a CTE.
    columns = ["kind", "action", "subject_id", "actor_id", "author_id"]
    actor = bindparam("actor", type_=BigInteger)
    events = select(literal("user_follow"), literal(action), moved.c.followee_id, actor, moved.c.follower_id)
    log = insert(models.ChangeLog).from_select(columns, events).cte("log")
    return compiled(select(moved.c.follower_id, moved.c.followee_id).add_cte(log))


def counted_pairs() -> Statement:
    """Adds `:number` to what each of the people of the pairs follows, and is followed by, in the order of their ids.

    `tx.count` would do the same. With thousands of people it takes as long as everything else together.
    """
    one, none = literal_column("1", BigInteger), literal_column("0", BigInteger)
    sides = union_all(
        select(_follower.label("user_id"), one.label("following"), none.label("followers")),
        select(_followee, none, one),
    ).subquery("sides")
    sums = [cast(func.sum(sides.c[name]), BigInteger).label(name) for name in ("following", "followers")]
    moved = select(sides.c.user_id, *sums).group_by(sides.c.user_id).order_by(sides.c.user_id).subquery("moved")
    stats, number = models.UserStats, bindparam("number", type_=BigInteger)
    numbers = {
        "following_count": stats.following_count + number * moved.c.following,
        "follower_count": stats.follower_count + number * moved.c.followers,
    }
    return compiled(update(stats).where(stats.user_id == moved.c.user_id).values(numbers))


BLOCKED = compiled(select(_follower, _followee).where(is_blocked()))
ADD = added_pairs()
REMOVE = removed_pairs()
COUNT = counted_pairs()


async def follow_users(tx: Transaction, run: Run, rows: Sequence[Row]) -> list[Outcome]:
    """`followed` or `already`; refused are SELF, BLOCKED and NOT_FOUND. `id` is of who is, or was to be, followed."""
    pairs = pairs_of(rows, await live_people(tx, named(rows)))
    wanted = {(a, b) for a, b in pairs if a is not None and b is not None and a != b}
    # A statement of its own: it sees the blocks that were committed while the people were being locked.
    made = await _moved(tx, ADD, sorted(wanted), +1)
    rest = wanted - made
    blocked = await _pairs(tx, BLOCKED, rest) if rest else set()
    made = await first_time(tx, run, made)
    return [_follow_outcome(row.line, pair, blocked, made) for row, pair in zip(rows, pairs, strict=True)]


async def unfollow_users(tx: Transaction, run: Run, rows: Sequence[Row]) -> list[Outcome]:
    """`unfollowed` or `not_following`; refused is NOT_FOUND. Whoever is suspended or deleted can be unfollowed."""
    pairs = pairs_of(rows, await known_people(tx, named(rows)))
    wanted = sorted({(a, b) for a, b in pairs if a is not None and b is not None})
    gone = await first_time(tx, run, await _moved(tx, REMOVE, wanted, -1))
    return [_unfollow_outcome(row.line, pair, gone) for row, pair in zip(rows, pairs, strict=True)]


def named(rows: Sequence[Row]) -> set[str | int]:
    return {row.fields[name] for row in rows for name in ("follower", "followee")}


def pairs_of(rows: Sequence[Row], people: Ids) -> list[Known]:
    return [(people.get(row.fields["follower"]), people.get(row.fields["followee"])) for row in rows]


async def _moved(tx: Transaction, statement: Statement, pairs: Sequence[Pair], number: int) -> set[Pair]:
    """The pairs that were added or taken away. Their numbers are locked last, as everywhere."""
    moved = await _pairs(tx, statement, pairs, actor=tx.viewer.user_id)
    touched = await tx.sql.run(COUNT, **_columns(moved), number=number)
    if touched != len({user_id for pair in moved for user_id in pair}):
        raise LookupError("Some of the users have no row of numbers.")
    return moved


async def _pairs(tx: Transaction, statement: Statement, pairs: Collection[Pair], **values: int | None) -> set[Pair]:
    return {(row[0], row[1]) for row in await tx.sql.rows(statement, **_columns(pairs), **values)}


def _columns(pairs: Collection[Pair]) -> dict[str, list[int]]:
    return {"followers": [follower for follower, _ in pairs], "followees": [followee for _, followee in pairs]}


def _follow_outcome(line: int, pair: Known, blocked: set[Pair], made: set[Pair]) -> Outcome:
    """The first line of a new pair takes it out of `made`; for those behind it, the pair was there already."""
    if None in pair:
        return refused(line, "NOT_FOUND", "There is no such user.")
    if pair[0] == pair[1]:
        return refused(line, "SELF", "Nobody can follow themselves.", pair[1])
    if pair in blocked:
        return refused(line, "BLOCKED", "A block stands between the two.", pair[1])
    if pair in made:
        made.discard(pair)
        return Outcome(line, "followed", pair[1])
    return Outcome(line, "already", pair[1])


def _unfollow_outcome(line: int, pair: Known, gone: set[Pair]) -> Outcome:
    if None in pair:
        return refused(line, "NOT_FOUND", "There is no such user.")
    if pair in gone:
        gone.discard(pair)
        return Outcome(line, "unfollowed", pair[1])
    return Outcome(line, "not_following", pair[1])
