"""How often something was tried that can be guessed or misused: counted alike for what is there and what is not."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, DateTime, LargeBinary, bindparam, update
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands.transaction import Transaction
from feed_service.errors import RateLimited
from feed_service.transactions import compiled

SINCE = bindparam("since", type_=DateTime(timezone=True))

_one = insert(models.AttemptCount).values(hash=bindparam("hash", type_=LargeBinary), since=SINCE, n=1)
COUNT = compiled(
    _one.on_conflict_do_update(
        index_elements=["hash", "since"], set_={"n": models.AttemptCount.n + 1}
    ).returning(models.AttemptCount.n)
)  # fmt: skip
TAKE_BACK = compiled(
    update(models.AttemptCount)
    .where(models.AttemptCount.hash == bindparam("key", type_=LargeBinary), models.AttemptCount.since == SINCE)
    .values(n=models.AttemptCount.n - bindparam("one", 1, type_=BigInteger))
)


@dataclass(frozen=True)
class Limit:
    """`most` tries in a window of `window`, which begins at the same moment for everybody."""

    name: str
    most: int
    window: timedelta

    def since(self, now: datetime) -> datetime:
        begin = datetime.min.replace(tzinfo=UTC)
        return now - (now - begin) % self.window

    def hash_of(self, what: str) -> bytes:
        return hashlib.sha256(f"{self.name}:{what}".encode()).digest()


LOG_INS = Limit("log-in", 20, timedelta(minutes=5))
"""Wrong passwords for one name. Bluesky allows 30 in 5 minutes, Mastodon fewer."""

OWN_PASSWORDS = Limit("own-password", 20, timedelta(minutes=5))
"""Wrong ones of somebody who is signed in: counted apart, so that strangers cannot use them up."""

MAILS = Limit("mail", 5, timedelta(hours=1))
"""To one address."""


async def counted(tx: Transaction, limit: Limit, what: str, now: datetime) -> bool:
    """Count one more. Whether it is still within the limit."""
    n: int = await tx.sql.value(COUNT, hash=limit.hash_of(what), since=limit.since(now))
    return n <= limit.most


async def require(tx: Transaction, limit: Limit, what: str, now: datetime) -> None:
    """Count one more. Raises RateLimited beyond the limit; what is refused is not counted."""
    if not await counted(tx, limit, what, now):
        wait = limit.since(now) + limit.window - now
        raise RateLimited("Too many attempts. Please try again later.", int(wait.total_seconds()) + 1)


async def taken_back(tx: Transaction, limit: Limit, what: str, now: datetime) -> None:
    """It was right: it counts as if it had not been tried."""
    await tx.sql.run(TAKE_BACK, key=limit.hash_of(what), since=limit.since(now))
