"""What mails are sent for: addresses to confirm, and forgotten passwords. Each answers with what to write to whom.

Nothing here takes longer, or answers otherwise, for an address that somebody has than for one that nobody has.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, delete, func, insert, select, update

from feed_service import models
from feed_service.accounts.bearer_secrets import hash_of, new_secret
from feed_service.commands import attempts
from feed_service.commands.audit import AuditEvent
from feed_service.commands.permissions import signed_in
from feed_service.commands.transaction import Transaction, not_repeatable
from feed_service.errors import Refused
from feed_service.queries import accounts
from feed_service.transactions import compiled
from feed_service.viewer import Viewer
from feed_service.vocabulary import UserErrorCode

CONFIRM, RESET = "confirm", "reset"
LIFETIMES = {CONFIRM: timedelta(days=3), RESET: timedelta(hours=1)}

account, mailed = models.Account, models.MailedToken
EMAIL_KEY = bindparam("email_key", type_=Text)

OWNER = compiled(accounts.owner_of_email())
RECEIVER = compiled(accounts.receiver_of_reset())
OWN = compiled(accounts.own_account())
ADD = compiled(
    insert(mailed).values(
        hash=bindparam("hash", type_=LargeBinary), purpose=bindparam("purpose"), user_id=bindparam("user_id"),
        email_key=EMAIL_KEY, expires_at=bindparam("expires_at"),
    )
)  # fmt: skip
_good = (
    mailed.hash == bindparam("hash", type_=LargeBinary),
    mailed.purpose == bindparam("purpose", type_=Text),
    mailed.expires_at > func.now(),
    mailed.user_id.is_not(None),
)
LOOK_AT = compiled(select(mailed.user_id, mailed.email_key).where(*_good))
USE = compiled(delete(mailed).where(*_good).returning(mailed.user_id, mailed.email_key))
FORGET = compiled(
    delete(mailed).where(mailed.user_id == accounts.USER_ID, mailed.purpose == bindparam("purpose", type_=Text))
)
# Two accounts that confirm the same address at once wait for each other here, and the second finds it taken.
LOCK_EMAIL = compiled(select(func.pg_advisory_xact_lock(func.hashtextextended(EMAIL_KEY, 7_305_002)).label("locked")))
CONFIRMED = compiled(
    update(account)
    .where(account.user_id == bindparam("owner_id", type_=BigInteger), account.email_key == EMAIL_KEY)
    .values(email_confirmed_at=func.coalesce(account.email_confirmed_at, func.now()))
)


@dataclass(frozen=True)
class Letter:
    """To whom, and what makes the link; `secret` is None for the owner of an address that somebody else gave."""

    to: str
    username: str
    secret: str | None


async def confirmation(tx: Transaction, user_id: int, username: str, email: str, email_key: str) -> Letter | None:
    """What to write because `user_id` gave this address; None if it was written to often enough."""
    now, secret = datetime.now(UTC), new_secret()
    owner = await tx.sql.row(OWNER, email_key=email_key)
    if not await attempts.counted(tx, attempts.MAILS, email_key, now):
        return None
    await _add(tx, CONFIRM, secret, user_id, email_key, now)
    return Letter(email, username, secret) if owner is None else Letter(owner["email"], owner["username"], None)


async def confirmation_again(tx: Transaction) -> Letter | None:
    """As `confirmation`, for the viewer's own address, unless it is confirmed."""
    own = await tx.sql.row(OWN, user_id=signed_in(tx.viewer))
    if own is None or own["email"] is None or own["email_confirmed_at"] is not None:
        return None
    return await confirmation(tx, own["user_id"], own["username"], own["email"], own["email_key"])


@not_repeatable
async def confirm_email(tx: Transaction, secret: str) -> int:
    """The id of the user whose address it is now. Raises Refused if the secret is not good, or the address taken."""
    used = await tx.sql.row(USE, hash=hash_of(secret), purpose=CONFIRM)
    if used is None:
        raise invalid_token()
    user_id: int = used["user_id"]
    if not await _confirmed(tx, user_id, used["email_key"]):
        raise Refused(UserErrorCode.TAKEN, "Another account has confirmed this address.", ("token",))
    tx.viewer = Viewer(user_id)
    tx.audited(AuditEvent("account.confirm_email", "user", user_id))
    return user_id


async def request_reset(tx: Transaction, email_key: str) -> Letter | None:
    """What to write to the address; None if nobody live has given it, or it was written to often enough."""
    now, secret = datetime.now(UTC), new_secret()
    found = await tx.sql.row(RECEIVER, email_key=email_key)
    is_live = found is not None and found["is_live"]
    if not await attempts.counted(tx, attempts.MAILS, email_key, now):
        return None
    await _add(tx, RESET, secret, found["user_id"] if is_live else None, email_key, now)
    return Letter(found["email"], found["username"], secret) if is_live else None


async def names_for_reset(tx: Transaction, secret: str) -> tuple[str | None, str | None]:
    """(user name, e-mail address) of the one who may choose a password. Raises Refused if the secret is not good."""
    found = await tx.sql.row(LOOK_AT, hash=hash_of(secret), purpose=RESET)
    own = None if found is None else await tx.sql.row(OWN, user_id=found["user_id"])
    if own is None or not own["is_live"]:
        raise invalid_token()
    return own["username"], own["email"]


async def use_for_reset(tx: Transaction, secret: str) -> int:
    """The id of the one who may choose a password, once. Raises Refused if the secret is not good.

    Whoever has the secret reads the mail of this address, which confirms it, unless it is another account's meanwhile.
    """
    used = await tx.sql.row(USE, hash=hash_of(secret), purpose=RESET)
    if used is None:
        raise invalid_token()
    user_id: int = used["user_id"]
    await _confirmed(tx, user_id, used["email_key"])
    await forget_resets(tx, user_id)
    return user_id


async def forget_resets(tx: Transaction, user_id: int) -> None:
    await tx.sql.run(FORGET, user_id=user_id, purpose=RESET)


async def _confirmed(tx: Transaction, user_id: int, email_key: str) -> bool:
    """Whether the address is the user's own now; False if another account has confirmed it."""
    await tx.sql.run(LOCK_EMAIL, email_key=email_key)
    owner = await tx.sql.row(OWNER, email_key=email_key)
    if owner is not None and owner["user_id"] != user_id:
        return False
    await tx.sql.run(CONFIRMED, owner_id=user_id, email_key=email_key)
    return True


async def _add(tx: Transaction, purpose: str, secret: str, user_id: int | None, email_key: str, now: datetime) -> None:
    await tx.sql.run(
        ADD, hash=hash_of(secret), purpose=purpose, user_id=user_id, email_key=email_key,
        expires_at=now + LIFETIMES[purpose],
    )  # fmt: skip


def invalid_token() -> Refused:
    return Refused(UserErrorCode.INVALID_TOKEN, "The token is not known, used up, or too old.", ("token",))
