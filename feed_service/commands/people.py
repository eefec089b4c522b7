"""People as commands find them: judged as the viewer may see them, and locked until the commit.

Whoever ties two people together locks both `FOR SHARE`, in the order of their ids. A block and the end of an account,
which cut such ties, lock `FOR NO KEY UPDATE`, so that no tie is made beside them.

PostgreSQL lets those who share a row pass by one who waits to hold it. Somebody whom hundreds follow a second could not
block for seconds (measured 2026-11-21: 2 of 30 not within 5 s), so follows and blocks queue at a gate before the rows.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import ARRAY, BigInteger, Integer, any_, bindparam, func, literal, select

from feed_service import models
from feed_service.commands.permissions import not_found, signed_in
from feed_service.commands.transaction import Transaction
from feed_service.errors import Refused, Unauthenticated
from feed_service.queries import visibility
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import compiled
from feed_service.viewer import ANONYMOUS
from feed_service.vocabulary import UserErrorCode

# Judged by the row that is locked, not by another look at it, which could be older.
_live = (
    select(models.User.id)
    .where(models.User.id == any_(ids_parameter("ids")), visibility.user_accessible_to(ANONYMOUS))
    .order_by(models.User.id)
)
GATE = 7_305_004
"""Of the advisory locks that are the gates; any number that is ours."""

GATES = 64
"""A block shuts the gate of its author, and with it those of a 64th of all people, for some milliseconds."""

_gate = func.unnest(bindparam("gates", type_=ARRAY(Integer))).table_valued("number").render_derived(name="gates")
PASS = compiled(select(func.pg_advisory_xact_lock_shared(literal(GATE, Integer), _gate.c.number)))
SHUT = compiled(select(func.pg_advisory_xact_lock(literal(GATE, Integer), _gate.c.number)))

ALONE = compiled(
    select(
        func.pg_advisory_xact_lock(
            literal(7_305_005, Integer), func.hashint8(bindparam("me", type_=BigInteger), type_=Integer)
        )
    )
)

SHARED = compiled(_live.with_for_update(read=True, of=models.User))
HELD = compiled(_live.with_for_update(key_share=True, of=models.User))


async def live_others(tx: Transaction, user_ids: Collection[int]) -> set[int]:
    """Those of them who are live, without the viewer; they and the viewer are shared-locked."""
    me = signed_in(tx.viewer)
    live = {row["id"] for row in await tx.sql.rows(SHARED, ids=sorted({*user_ids, me}))}
    return others(live, me)


async def pass_gates(tx: Transaction, user_ids: Iterable[int]) -> None:
    """Wait, before anything else is locked, for blocks under way by any of them or by the viewer."""
    gates = {user_id % GATES for user_id in (signed_in(tx.viewer), *user_ids)}
    await tx.sql.rows(PASS, gates=sorted(gates))


async def another(tx: Transaction, user_id: int) -> int:
    """The id of the viewer, who is about to do something to somebody else; both are shared-locked. Raises Refused."""
    me = not_self(tx, user_id)
    if not await live_others(tx, [user_id]):
        raise not_found("user")
    return me


async def another_alone(tx: Transaction, user_id: int) -> int:
    """As `another`, while nobody ties anything between the two: the viewer's own row is held."""
    me = not_self(tx, user_id)
    await tx.sql.row(SHUT, gates=[me % GATES])
    live: set[int] = set()
    for one in sorted((me, user_id)):
        live |= {row["id"] for row in await tx.sql.rows(HELD if one == me else SHARED, ids=[one])}
    if not others(live, me):
        raise not_found("user")
    return me


async def myself_alone(tx: Transaction) -> int:
    """The id of the viewer, who does nothing else of this kind meanwhile: what is counted of theirs stays so."""
    me = signed_in(tx.viewer)
    await tx.sql.row(ALONE, me=me)
    await live_others(tx, [])
    return me


def others(live: set[int], me: int) -> set[int]:
    """Raises Unauthenticated if the viewer is not live any more."""
    if me not in live:
        raise Unauthenticated("The user of this token is gone.")
    return live - {me}


def not_self(tx: Transaction, user_id: int) -> int:
    """The id of the viewer. Raises Refused if it is the one that is meant."""
    me = signed_in(tx.viewer)
    if me == user_id:
        raise Refused(UserErrorCode.SELF, "Nobody can do this to themselves.")
    return me
