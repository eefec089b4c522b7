"""Those whom an identity provider signs in: each becomes a user here when first seen."""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Text, bindparam, func, insert, select

from feed_service import models
from feed_service.accounts import rules, viewers
from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.provider import Identity, Provider, is_ours
from feed_service.accounts.viewers import LiveAccounts
from feed_service.commands.accounts import add_user
from feed_service.commands.audit import AuditEvent
from feed_service.commands.transaction import Transaction, Writer
from feed_service.errors import Refused, Unauthenticated
from feed_service.queries import accounts
from feed_service.transactions import WriteDatabase, compiled
from feed_service.viewer import ANONYMOUS, Role, Viewer

KNOWN = accounts.account_of_identity()
FOUND = compiled(KNOWN)
# Two first requests at once: the second waits here, and finds the user that the first has made.
LOCK = compiled(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("who", type_=Text), 7_305_004))))
ADD = compiled(
    insert(models.ExternalIdentity).values(
        issuer=bindparam("issuer"), subject=bindparam("subject"), user_id=bindparam("user_id")
    )
)

NO_NAME = "user"
SHORTEST_NAME, ROOM_FOR_NAME = 3, 31
"""A name leaves room for an underline and eight digits, among the 40 characters of a user name."""

TRIES = 5


async def viewer_of(
    keys: SigningKeys, provider: Provider | None, live: LiveAccounts, writing: WriteDatabase, token: str
) -> Viewer:
    """The viewer of a token, of ours or of the provider. Raises Unauthenticated, and Unavailable as `identity`."""
    if provider is None or is_ours(token):
        return await viewers.viewer_of(keys, live, token)
    identity = await provider.identity(token, datetime.now(UTC))
    named = {"issuer": identity.issuer, "subject": identity.subject}
    for found in await live.database.rows(KNOWN, named):
        return seen(*found)
    return await Writer(writing, ANONYMOUS).run(first_seen, identity)


async def first_seen(tx: Transaction, identity: Identity) -> Viewer:
    """A new user, unless somebody else was faster. Raises Unauthenticated."""
    named = {"issuer": identity.issuer, "subject": identity.subject}
    await tx.sql.run(LOCK, who=f"{identity.issuer} {identity.subject}")
    found = await tx.sql.row(FOUND, **named)
    if found is not None:
        return seen(*found)
    for username in usernames(identity.username):
        user_id = await add_user(tx, username, shown(identity.display_name) or username)
        if user_id is not None:
            await tx.sql.run(ADD, **named, user_id=user_id)
            personal = named | {"username": username}
            tx.audited(AuditEvent("account.first_seen", "user", user_id, owner_id=user_id, private=personal))
            return Viewer(user_id)
    raise AssertionError("five user names with 32 bits of chance were taken")


def seen(user_id: int, role: str, is_live: bool) -> Viewer:
    if not is_live:
        raise Unauthenticated("The user of this token is not there any more.")
    return Viewer(user_id, Role(role))


def usernames(wish: str | None) -> Iterator[str]:
    """The wish, or the first part of an address, as far as a user name can be like it; then the same with digits."""
    plain = unicodedata.normalize("NFKD", (wish or "").partition("@")[0]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:ROOM_FOR_NAME]
    if len(name) >= SHORTEST_NAME:
        yield name
    for _ in range(TRIES):
        yield f"{name or NO_NAME}_{secrets.token_hex(4)}"


def shown(wish: str | None) -> str | None:
    try:
        return rules.display_name(wish, ())
    except Refused:
        return None
