"""The tokens by which requests say who asks: short signed statements of a user's id, good until they expire."""

import re
from datetime import datetime, timedelta
from typing import Any

import jwt

from feed_service.accounts.keys import SigningKeys
from feed_service.errors import Unauthenticated

ALGORITHM = "EdDSA"
ISSUER = "feed_service"
AUDIENCE = "feed_service"
REQUIRED = ["exp", "iat", "sub", "iss", "aud"]

CLOCK_SKEW = timedelta(seconds=10)
"""How far the clocks of the machines that mint and verify may differ."""

MAX_LENGTH = 2_000
SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
SUBJECT = re.compile(r"[1-9][0-9]{0,18}")
"""`int` would take " 1", "1_0" and digits of other scripts, and so name other users."""


def mint(keys: SigningKeys, user_id: int, *, lifetime: timedelta, now: datetime) -> str:
    """A token for `user_id` that is good from `now` on; whole seconds count."""
    claims = {"sub": str(user_id), "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, keys.token, algorithm=ALGORITHM, headers={"kid": keys.key_id})


def verify(keys: SigningKeys, token: str, now: datetime) -> int:
    """The id of the user the token speaks for.

    Raises:
        Unauthenticated: it is malformed, not signed by us, for another service, or not valid at `now`.
    """
    claims = verified_claims(keys, token)
    issued, expires, subject = claims["iat"], claims["exp"], claims["sub"]
    if not (type(issued) is int and type(expires) is int and isinstance(subject, str)):
        raise invalid()
    if not SUBJECT.fullmatch(subject) or int(subject) >= 2**63 or issued > (now + CLOCK_SKEW).timestamp():
        raise invalid()
    if expires <= now.timestamp():
        raise Unauthenticated("The token has expired.")
    return int(subject)


def verified_claims(keys: SigningKeys, token: str) -> dict[str, Any]:
    if len(token) > MAX_LENGTH or not SHAPE.fullmatch(token):
        raise invalid()
    try:
        if jwt.get_unverified_header(token).get("kid") != keys.key_id:
            raise invalid()
        return jwt.decode(
            token,
            keys.token.public_key(),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            # The times are compared above, with the clock that is handed in.
            options={"require": REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise invalid() from error


def invalid() -> Unauthenticated:
    return Unauthenticated("The token is not valid.")
