"""Signing up and in, from what a client sends to the session it gets: rules, hashes, transactions and mails, in turn.

No hash is made and no mail sent while a transaction is open. Whether there is somebody of a name or an address shows
neither in what is answered nor in how long it takes: see docs/decisions/0006.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from feed_service.accounts import letters, rules
from feed_service.accounts.desk import Desk
from feed_service.commands import accounts, mailed, sessions
from feed_service.commands.accounts import NewAccount, wrong_password
from feed_service.commands.mailed import Letter
from feed_service.commands.sessions import Opened
from feed_service.commands.transaction import Writer
from feed_service.errors import Refused
from feed_service.vocabulary import UserErrorCode


@dataclass(frozen=True)
class SignedIn:
    """What a client gets to go on with; `expires_at` is when the access token does."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    user_id: int


async def sign_up(
    writer: Writer, desk: Desk, username: str, email: str, password: str, display_name: str | None
) -> SignedIn:
    """Raises Refused or ManyRefused."""
    require_local(desk)
    form = rules.Form()
    form.field("username", rules.username, username)
    address = form.field("email", rules.email, email)
    form.field("password", rules.password, password, (username, email))
    shown = username if display_name is None else form.field("displayName", rules.display_name, display_name)
    form.check()
    wanted = NewAccount(username, shown or username, address or "")
    opened, letter = await writer.run(accounts.sign_up, wanted, await desk.passwords.hashed(password))
    send_confirmation(desk, letter)
    return signed_in(desk, opened)


async def log_in(writer: Writer, desk: Desk, login: str, password: str) -> SignedIn:
    """Raises Refused, in the same words after the same work whoever it is, and RateLimited."""
    require_local(desk)
    now = datetime.now(UTC)
    found = await writer.run(accounts.credentials, login, now)
    stored: str | None = found["password_hash"] if found is not None and found["is_live"] else None
    verdict = await desk.passwords.compared(password, stored)
    opened = None
    if verdict.is_right and stored is not None:
        opened = await writer.run(accounts.log_in, login, now, found["user_id"], stored, verdict.new_hash)
    if opened is None:
        raise Refused(UserErrorCode.INVALID_CREDENTIALS, "The name or the password is wrong.")
    return signed_in(desk, opened)


async def refresh(writer: Writer, desk: Desk, refresh_token: str) -> SignedIn:
    """Raises Refused."""
    require_local(desk)
    opened = await writer.run(sessions.refresh, refresh_token)
    if opened is None:
        raise Refused(UserErrorCode.INVALID_TOKEN, "The session is over. Please log in again.", ("refreshToken",))
    return signed_in(desk, opened)


async def change_password(writer: Writer, desk: Desk, current: str, new: str) -> None:
    """Raises Refused or ManyRefused, and RateLimited."""
    require_local(desk)
    own = await own_account(writer, desk, current, "current")
    rules.password(new, (own["username"], own["email"]), ("new",))
    await writer.run(accounts.change_password, own["password_hash"], await desk.passwords.hashed(new))


async def require_password(writer: Writer, desk: Desk, password: str) -> None:
    """For what only the owner of an account may do, whoever holds their token. Raises Refused and RateLimited."""
    require_local(desk)
    await own_account(writer, desk, password, "password")


async def request_password_reset(writer: Writer, desk: Desk, email: str) -> None:
    """Nobody learns here whether the address is anybody's. Raises Refused for what is no address."""
    require_local(desk)
    letter = await writer.run(mailed.request_reset, rules.email_key(rules.email(email, ("email",))))
    if letter is not None and letter.secret is not None:
        desk.outbox.put(letters.reset(letter.to, letter.username, letter.secret, desk.public_url))


async def reset_password(writer: Writer, desk: Desk, token: str, password: str) -> None:
    """Raises Refused."""
    require_local(desk)
    names = await writer.run(mailed.names_for_reset, token)
    rules.password(password, names, ("password",))
    await writer.run(accounts.reset_password, token, await desk.passwords.hashed(password))


async def request_confirmation(writer: Writer, desk: Desk) -> None:
    require_local(desk)
    send_confirmation(desk, await writer.run(mailed.confirmation_again))


async def confirm_email(writer: Writer, desk: Desk, token: str) -> int:
    """The id of the user. Raises Refused."""
    require_local(desk)
    return await writer.run(mailed.confirm_email, token)


async def own_account(writer: Writer, desk: Desk, password: str, field: str) -> dict[str, str]:
    """The viewer's account. Raises Refused if this is not its password."""
    now = datetime.now(UTC)
    own = await writer.run(accounts.own_credentials, now)
    verdict = await desk.passwords.compared(password, own["password_hash"])
    if not verdict.is_right:
        raise wrong_password(field)
    await writer.run(accounts.own_password_was_right, now)
    return dict(own)


def require_local(desk: Desk) -> None:
    if not desk.is_local:
        message = "Accounts are kept by another provider; sign up and log in there."
        raise Refused(UserErrorCode.LOCAL_ACCOUNTS_OFF, message)


def send_confirmation(desk: Desk, letter: Letter | None) -> None:
    if letter is None:
        return
    if letter.secret is None:
        desk.outbox.put(letters.already_here(letter.to, letter.username))
    else:
        desk.outbox.put(letters.confirmation(letter.to, letter.username, letter.secret, desk.public_url))


def signed_in(desk: Desk, opened: Opened) -> SignedIn:
    token, expires_at = desk.access_token(opened.user_id, opened.session_id)
    return SignedIn(token, opened.refresh_token, expires_at, opened.user_id)
