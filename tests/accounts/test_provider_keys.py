"""The keys of an identity provider: fetched from a real server that rotates them, breaks and goes away."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from feed_service.accounts.provider_keys import AGAIN_S, FRESH_S, USABLE_S, ProviderKeys, is_safe_address
from feed_service.errors import Unavailable
from tests.accounts.jwks import SmallProvider, identity_provider, public, secret_key


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def small() -> Iterator[SmallProvider]:
    with identity_provider() as provider:
        provider.add("first")
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(small: SmallProvider, clock: Clock) -> ProviderKeys:
    return ProviderKeys(small.issuer, small.keys_url, clock)


async def refreshed(keys: ProviderKeys) -> None:
    assert keys._refreshing is not None  # noqa: SLF001 - nobody waits for it but this test.
    await keys._refreshing  # noqa: SLF001


async def algorithm(keys: ProviderKeys, key_id: str) -> str | None:
    found = await keys.named(key_id)
    return found.algorithm if found else None


async def test_keys_are_fetched_once_for_all_who_wait_and_kept(small: SmallProvider, keys: ProviderKeys) -> None:
    found = await asyncio.gather(*(algorithm(keys, "first") for _ in range(20)))
    assert set(found) == {"ES256"}
    assert await algorithm(keys, "first") == "ES256"
    assert small.asked == ["/keys"]


async def test_without_an_address_the_discovery_document_names_it(small: SmallProvider, clock: Clock) -> None:
    assert await algorithm(ProviderKeys(small.issuer, None, clock), "first") == "ES256"
    assert small.asked == ["/.well-known/openid-configuration", "/keys"]
    for document in ({"issuer": "https://somebody", "jwks_uri": small.keys_url}, {"issuer": small.issuer},
                     {"issuer": small.issuer, "jwks_uri": "file:///etc/passwd"}):  # fmt: skip
        small.answers["/.well-known/openid-configuration"] = (200, json.dumps(document).encode())
        with pytest.raises(Unavailable):
            await algorithm(ProviderKeys(small.issuer, None, clock), "first")


async def test_a_new_key_is_found_when_a_token_names_it_but_not_asked_for_each_time(
    small: SmallProvider, keys: ProviderKeys, clock: Clock
) -> None:
    await algorithm(keys, "first")
    small.add("second", "EdDSA")
    clock.now += AGAIN_S - 1
    assert await algorithm(keys, "second") is None
    clock.now += 1
    assert await algorithm(keys, "second") == "EdDSA"
    clock.now += AGAIN_S
    assert await asyncio.gather(*(algorithm(keys, f"guess {number}") for number in range(50))) == [None] * 50
    assert small.asked == ["/keys"] * 3


async def test_a_key_that_was_taken_away_is_refused_once_the_keys_are_old(
    small: SmallProvider, keys: ProviderKeys, clock: Clock
) -> None:
    await algorithm(keys, "first")
    small.add("second")
    small.drop("first")
    clock.now += FRESH_S
    assert await algorithm(keys, "first") == "ES256"
    await refreshed(keys)
    assert (await algorithm(keys, "first"), await algorithm(keys, "second")) == (None, "ES256")


BREAKAGES: list[tuple[int, bytes]] = [
    (500, b""), (302, b"/elsewhere"), (200, b"<html>"), (200, b"[]"), (200, b'{"keys": 1}'), (200, b'{"keys": []}'),
    (200, b'{"keys": [1, {}]}'), (200, b'{"keys": [' + b"1," * 200_000 + b"1]}"),
]  # fmt: skip


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: f"{breakage[0]} {breakage[1][:12]!r}")
async def test_a_provider_that_breaks_leaves_its_keys_in_use_for_an_hour(
    small: SmallProvider, keys: ProviderKeys, clock: Clock, breakage: tuple[int, bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await algorithm(keys, "first")
    small.answers["/elsewhere"] = small.answers["/keys"]
    small.answers["/keys"] = breakage
    clock.now += FRESH_S
    assert await algorithm(keys, "first") == "ES256"
    await refreshed(keys)
    assert "cannot be had" in caplog.text
    clock.now += USABLE_S - FRESH_S - 1
    assert await algorithm(keys, "first") == "ES256"
    await refreshed(keys)
    clock.now += AGAIN_S
    with pytest.raises(Unavailable, match="cannot be reached"):
        await algorithm(keys, "first")
    small.publish()
    clock.now += AGAIN_S
    assert await algorithm(keys, "first") == "ES256"


async def test_a_provider_that_is_away_and_comes_back(clock: Clock) -> None:
    with identity_provider() as gone:
        keys = ProviderKeys(gone.issuer, gone.keys_url, clock)
    with pytest.raises(Unavailable):
        await algorithm(keys, "first")
    with identity_provider(int(gone.issuer.rpartition(":")[2])) as back:
        back.add("first", "RS256")
        clock.now += AGAIN_S
        assert await algorithm(keys, "first") == "RS256"
    clock.now += FRESH_S
    assert await algorithm(keys, "first") == "RS256"
    await refreshed(keys)
    assert await algorithm(keys, "first") == "RS256"


def unfit_keys() -> list[Any]:
    good = public("x", "ES256", ec.generate_private_key(ec.SECP256R1()))
    return [
        None, 1, [], {"kid": "x"}, good | {"kid": 7}, good | {"use": "enc"}, good | {"alg": "HS256"},
        good | {"crv": "P-384"}, good | {"kty": "RSA"}, good | {"kty": ["EC"]}, good | {"x": "AAAA"},
        good | {"x": None}, good | {"d": "AAAA"}, secret_key("x", b"s" * 32),
        public("x", "RS256", rsa.generate_private_key(65537, 1_024)),  # noqa: S505 - that is what is wrong with it.
        {name: value for name, value in good.items() if name != "kid"},
    ]  # fmt: skip


async def test_keys_of_no_use_or_no_strength_are_left_out(small: SmallProvider, keys: ProviderKeys) -> None:
    small.publish(*unfit_keys())
    assert (await algorithm(keys, "first"), await algorithm(keys, "x")) == ("ES256", None)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://id.example.org/keys", True),
        ("http://127.0.0.1:8080", True),
        ("http://id.example.org", False),
        ("https://", False),
        ("https://user:pw@id.example.org", False),
        ("https://id.example.org:99999", False),
        ("https://id.example.org/\n", False),
        ("file:///etc/passwd", False),
        ("ftp://127.0.0.1/", False),
        ("", False),
    ],
)
def test_keys_come_over_tls_or_from_this_machine(url: str, is_safe: bool) -> None:
    assert is_safe_address(url) == is_safe
