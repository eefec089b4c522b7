"""An identity provider (OpenID Connect): whose tokens are taken instead of our own, and how they are verified."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from feed_service.accounts.provider_keys import ProviderKeys, is_safe_address
from feed_service.accounts.tokens import CLOCK_SKEW, ISSUER, invalid
from feed_service.errors import ConfigurationError, Unauthenticated

MAX_LENGTH = 8_000
SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
MOST_IN_SUBJECT = 255
REQUIRED = ["exp", "sub", "iss", "aud"]


@dataclass(frozen=True)
class ProviderAddress:
    """Its name in tokens, ours in them, and where its keys are: None asks its discovery document."""

    issuer: str
    audience: str
    keys_url: str | None = None

    @classmethod
    def of(cls, issuer: str, audience: str, keys_url: str | None) -> "ProviderAddress":
        """Raises ConfigurationError for an address that is not https, unless it is on this machine."""
        for name, url in (("FEED_OIDC_ISSUER", issuer), ("FEED_OIDC_JWKS_URL", keys_url)):
            if url is not None and not is_safe_address(url):
                raise ConfigurationError(f"{name} must begin with https://.")
        return cls(issuer, audience, keys_url)


@dataclass(frozen=True)
class Identity:
    """Who somebody is at the provider; the names are wishes, which may be taken or unfit."""

    issuer: str
    subject: str
    username: str | None = None
    display_name: str | None = None


class Provider:
    def __init__(self, address: ProviderAddress, keys: ProviderKeys) -> None:
        self._address = address
        self._keys = keys

    @classmethod
    def at(cls, address: ProviderAddress) -> "Provider":
        return cls(address, ProviderKeys(address.issuer, address.keys_url))

    async def identity(self, token: str, now: datetime) -> Identity:
        """Who the token speaks for.

        Raises:
            Unauthenticated: it is malformed, not signed by the provider, not for us, or not valid at `now`.
            Unavailable: the provider's keys are not known, and cannot be had.
        """
        header = header_of(token)
        found = await self._keys.named(header["kid"])
        if found is None:
            raise invalid()
        try:
            claims = jwt.decode(
                token,
                found.key,
                algorithms=[found.algorithm],
                issuer=self._address.issuer,
                audience=self._address.audience,
                # The times are compared below, with the clock that is handed in.
                options={"require": REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise invalid() from error
        return identity_of(self._address.issuer, claims, now)


def is_ours(token: str) -> bool:
    """Whether it claims to be: which of two ways to verify it, not a verdict."""
    try:
        return bool(jwt.decode(token, options={"verify_signature": False}).get("iss") == ISSUER)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False


def header_of(token: str) -> dict[str, Any]:
    """Raises Unauthenticated for what cannot be a token of a provider."""
    if len(token) > MAX_LENGTH or not SHAPE.fullmatch(token):
        raise invalid()
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise invalid() from error
    # PyJWT would take extensions that it knows; we know none.
    if "crit" in header or not isinstance(header.get("kid"), str):
        raise invalid()
    return header


def identity_of(issuer: str, claims: dict[str, Any], now: datetime) -> Identity:
    subject, seconds = claims["sub"], now.timestamp()
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_IN_SUBJECT or not subject.isprintable():
        raise invalid()
    skew = CLOCK_SKEW.total_seconds()
    if moment(claims["exp"]) + skew <= seconds:
        raise Unauthenticated("The token has expired.")
    for claim in ("iat", "nbf"):
        if claim in claims and moment(claims[claim]) > seconds + skew:
            raise invalid()
    return Identity(issuer, subject, text(claims.get("preferred_username")), text(claims.get("name")))


def moment(claim: object) -> float:
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise invalid()
    return float(claim)


def text(claim: object) -> str | None:
    return claim if isinstance(claim, str) and claim else None
