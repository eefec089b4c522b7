"""Whether the log is still the one whose snapshots are known: a fail-over or a restored backup begins another."""

import secrets
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.queries import tail
from feed_service.transactions import Statements, WriteDatabase, compiled

MAY_IDENTIFY = compiled(tail.may_identify())
IDENTITY = compiled(tail.identity(with_system=True))
IDENTITY_WITHOUT_SYSTEM = compiled(tail.identity(with_system=False))
EPOCH = compiled(tail.epoch())

_row = models.FeedEpoch
_parts = ("system_id", "timeline", "database_id")
_values = {name: bindparam(name, type_=BigInteger) for name in ("epoch", *_parts)}
_renewed = insert(_row).values(_values)
RENEW = compiled(
    _renewed.on_conflict_do_update(
        index_elements=["id"],
        set_={name: _renewed.excluded[name] for name in _values},
        where=_row.epoch == bindparam("outdated", type_=BigInteger),
    )
)


class Identity(NamedTuple):
    """Which server, which of its histories, which database. None: it is not told to this role, or by a standby."""

    system_id: int | None
    timeline: int | None
    database_id: int


class Outdated(Exception):
    """The stored epoch is not that of this server; `epoch` is None when there is none."""

    def __init__(self, epoch: int | None, identity: Identity) -> None:
        super().__init__("The database has another history than the stored epoch tells.")
        self.epoch, self.identity = epoch, identity


async def check(driver: Any) -> Identity:  # noqa: ANN401 - asyncpg has no types.
    """The identity of the server of a new connection. Raises Outdated."""
    sql = Statements(driver)
    may_identify = await sql.value(MAY_IDENTIFY)
    mine = Identity(*await sql.row(IDENTITY if may_identify else IDENTITY_WITHOUT_SYSTEM))
    stored = await sql.row(EPOCH)
    if stored is None:
        raise Outdated(None, mine)
    # What is not known here proves nothing: processes with different rights must not renew it in turns.
    if any(known is not None and known != stored[name] for name, known in zip(_parts, mine, strict=True)):
        raise Outdated(stored["epoch"], mine)
    return mine


async def renew(writing: WriteDatabase, outdated: Outdated) -> None:
    """Store a new random epoch. Of many processes that find the same one outdated, the first stores its own."""
    values = outdated.identity._asdict() | {"epoch": secrets.randbits(63), "outdated": outdated.epoch}

    async def store(sql: Statements) -> int:
        return await sql.run(RENEW, **values)

    await writing.transact(store)
