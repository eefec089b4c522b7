"""The tokens by which requests say who asks: signed statements of a user's id and session, good until they expire."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import jwt

from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.token_keys import TokenKey
from feed_service.errors import Unauthenticated

ALGORITHM = "EdDSA"
ISSUER = "feed_service"
AUDIENCE = "feed_service"
REQUIRED = ["exp", "iat", "sub", "iss", "aud"]

ACCESS_LIFETIME = timedelta(minutes=15)
"""Of the tokens of a session, which a client refreshes."""

TRIAL_LIFETIME = timedelta(hours=12)
"""Of a token that `feed-service token` prints, which belongs to no session."""

LONGEST_LIFETIME = max(ACCESS_LIFETIME, TRIAL_LIFETIME)

CLOCK_SKEW = timedelta(seconds=10)
"""How far the clocks of the machines that mint and verify may differ."""

MAX_LENGTH = 2_000
REMEMBERED = 4_000
"""Tokens used last whose signatures are not computed again: it takes 0.3 ms (make bench-writing)."""

SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
NUMBER = re.compile(r"[1-9][0-9]{0,18}")
"""`int` would take " 1", "1_0" and digits of other scripts, and so name other users."""


class Bearer(NamedTuple):
    """Whom a token speaks for; `session_id` is None for one that belongs to no session."""

    user_id: int
    session_id: int | None = None


class Said(NamedTuple):
    """What a token says; seconds since 1970."""

    bearer: Bearer
    issued_s: int
    expires_s: int


def mint(keys: SigningKeys, bearer: Bearer, *, lifetime: timedelta, now: datetime) -> str:
    """A token that is good from `now` on; whole seconds count."""
    claims: dict[str, Any] = {"sub": str(bearer.user_id), "iss": ISSUER, "aud": AUDIENCE, "iat": now}
    claims["exp"] = now + lifetime
    if bearer.session_id is not None:
        claims["sid"] = str(bearer.session_id)
    key = keys.token.signing()
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.key_id})


def verify(keys: SigningKeys, token: str, now: datetime) -> Bearer:
    """Whom the token speaks for.

    Raises:
        Unauthenticated: it is malformed, not signed by us, for another service, or not valid at `now`.
    """
    said, now_s = verified(keys, token), now.timestamp()
    if said.issued_s > now_s + CLOCK_SKEW.total_seconds():
        raise invalid()
    if said.expires_s <= now_s:
        raise Unauthenticated("The token has expired.")
    return said.bearer


def number(claim: object) -> int:
    if not isinstance(claim, str) or not NUMBER.fullmatch(claim) or int(claim) >= 2**63:
        raise invalid()
    return int(claim)


def verified(keys: SigningKeys, token: str) -> Said:
    if len(token) > MAX_LENGTH:
        raise invalid()
    try:
        key = keys.token.named(key_id_of(token))
        if key is None:
            raise invalid()
        return signed_by(key, token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise invalid() from error


@lru_cache(REMEMBERED)
def key_id_of(token: str) -> object:
    if not SHAPE.fullmatch(token):
        raise invalid()
    return jwt.get_unverified_header(token).get("kid")


@lru_cache(REMEMBERED)
def signed_by(key: TokenKey, token: str) -> Said:
    """That a signature is right stays so; whether key and times still are is asked every time."""
    claims = jwt.decode(
        token,
        key.public,
        algorithms=[ALGORITHM],
        issuer=ISSUER,
        audience=AUDIENCE,
        # The times are compared above, with the clock that is handed in.
        options={"require": REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise invalid()
    bearer = Bearer(number(claims["sub"]), number(claims["sid"]) if "sid" in claims else None)
    return Said(bearer, issued, expires)


def invalid() -> Unauthenticated:
    return Unauthenticated("The token is not valid.")
