"""Tokens: only ours, only now, and only for the user whose id they spell exactly."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from feed_service.accounts import keys as signing
from feed_service.accounts.token_keys import TokenKey, TokenKeys
from feed_service.accounts.tokens import Bearer, mint, verify
from feed_service.errors import Unauthenticated

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> signing.SigningKeys:
    return signing.load_or_create(tmp_path_factory.mktemp("data") / "keys")


def signed(keys: signing.SigningKeys, header: dict[str, Any] | None = None, **changes: Any) -> str:  # noqa: ANN401
    """A token of ours but for `changes`; a claim of None is left out."""
    at = int(NOW.timestamp())
    key = keys.token.signing()
    claims = {"sub": "7", "iss": "feed_service", "aud": "feed_service", "iat": at, "exp": at + 60} | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    body = ".".join(encoded(part) for part in ({"alg": "EdDSA", "kid": key.key_id} | (header or {}), kept))
    return f"{body}.{unpadded(key.private.sign(body.encode()))}"


def encoded(part: object) -> str:
    return unpadded(json.dumps(part).encode())


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_token_names_its_user_until_it_expires(keys: signing.SigningKeys) -> None:
    token = mint(keys, Bearer(7, 3), lifetime=HOUR, now=NOW)
    assert verify(keys, token, NOW) == Bearer(7, 3)
    assert verify(keys, token, NOW + HOUR - timedelta(seconds=1)) == Bearer(7, 3)
    with pytest.raises(Unauthenticated, match="expired"):
        verify(keys, token, NOW + HOUR)
    assert verify(keys, signed(keys, sub=str(2**63 - 1)), NOW) == Bearer(2**63 - 1)
    assert verify(keys, mint(keys, Bearer(7), lifetime=HOUR, now=NOW), NOW) == Bearer(7)


def hmac_signed(keys: signing.SigningKeys) -> str:
    secret = keys.token.signing().public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return jwt.encode({"sub": "7"}, secret, "HS256", {"kid": keys.token.signing().key_id})


def others() -> signing.SigningKeys:
    """The keys of a forger."""
    forged = [TokenKey(Ed25519PrivateKey.generate())]
    return signing.SigningKeys(TokenKeys(lambda: forged), b"")


def with_claims_of_another(keys: signing.SigningKeys) -> str:
    header, _, signature = signed(keys).split(".")
    return ".".join([header, signed(keys, sub="8").split(".")[1], signature])


NO_USER = ["", "0", "07", " 7", "7 ", "7\n", "+7", "-7", "1_0", "7.0", "1e3", str(2**63), "9" * 30]
NO_USER += ["\u0667", "\uff17", "\u00b2"]  # Digits for `int` or `isdigit`, of other scripts.

FORGED: dict[str, Callable[[signing.SigningKeys], str]] = {
    "nothing": lambda _: "",
    "no token": lambda _: "a.b.c",
    "two parts": lambda keys: signed(keys).rpartition(".")[0],
    "no signature": lambda keys: signed(keys).rpartition(".")[0] + ".",
    "another signature": lambda keys: signed(keys)[:-4] + "AAAA",
    "another user": with_claims_of_another,
    "another key": lambda _: signed(others()),
    "another key under our id": lambda keys: signed(others(), {"kid": keys.token.signing().key_id}),
    "no algorithm": lambda keys: signed(keys, {"alg": "none"}),
    "no algorithm and no signature": lambda keys: signed(keys, {"alg": "none"}).rpartition(".")[0] + ".",
    "the public key as a secret": hmac_signed,
    "no key id": lambda keys: signed(keys, {"kid": None}),
    "a key id of lists": lambda keys: signed(keys, {"kid": [1]}),
    "an unknown critical header": lambda keys: signed(keys, {"crit": ["b"], "b": 1}),
    "a deep header": lambda _: f"{unpadded(b'[' * 1_400)}.{unpadded(b'{}')}.{unpadded(b'x')}",
    "a header of numbers": lambda _: f"{unpadded(b'123')}.{unpadded(b'{}')}.{unpadded(b'x')}",
    "too long": lambda keys: signed(keys, note="x" * 2_000),
    "another issuer": lambda keys: signed(keys, iss="somebody"),
    "another audience": lambda keys: signed(keys, aud="somebody"),
    "issued tomorrow": lambda keys: signed(keys, iat=int(NOW.timestamp()) + 86_400),
    "expired": lambda keys: signed(keys, exp=int(NOW.timestamp())),
    "an endless time": lambda keys: signed(keys, exp=1e300),
    "a time in words": lambda keys: signed(keys, exp="tomorrow"),
    "a time of yes": lambda keys: signed(keys, iat=True),
    "a numeric user": lambda keys: signed(keys, sub=7),
    "a list of users": lambda keys: signed(keys, sub=["7"]),
} | {
    f"without {claim}": (lambda keys, claim=claim: signed(keys, **{claim: None}))
    for claim in ("sub", "iss", "aud", "iat", "exp")
} | {
    f"user {subject!r}": (lambda keys, subject=subject: signed(keys, sub=subject))
    for subject in NO_USER
} | {
    f"session {session!r}": (lambda keys, session=session: signed(keys, sid=session))
    for session in [*NO_USER, 7, True, ["7"], {"id": 7}]
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_any_other_token_is_refused(keys: signing.SigningKeys, name: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^The token (is not valid|has expired)\.$"):
        verify(keys, FORGED[name](keys), NOW)


def test_the_way_a_forged_token_is_made_makes_good_ones(keys: signing.SigningKeys) -> None:
    assert verify(keys, signed(keys), NOW) == Bearer(7)
    assert verify(keys, signed(keys, sid="3"), NOW) == Bearer(7, 3)


def test_a_token_of_one_folder_is_refused_in_another(keys: signing.SigningKeys, tmp_path: Path) -> None:
    elsewhere = signing.load_or_create(tmp_path / "keys")
    with pytest.raises(Unauthenticated):
        verify(keys, mint(elsewhere, Bearer(7), lifetime=HOUR, now=NOW), NOW)
