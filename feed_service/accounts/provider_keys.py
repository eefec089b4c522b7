"""The public keys of an identity provider: fetched, kept for a while, and fetched anew when it has changed them."""

import asyncio
import logging
import math
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from feed_service.errors import Unavailable

log = logging.getLogger(__name__)

FRESH_S = 300.0
AGAIN_S = 10.0
"""The provider is asked at most this often, whatever tokens come."""

USABLE_S = 3_600.0
"""How long keys are used while the provider is away."""

FETCH_WITHIN_S = 5.0
MAX_BYTES = 256_000
MOST_KEYS = 100
LEAST_RSA_BITS = 2_048
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""What is taken, by the kind of key: the token does not choose. No secret is among them, and no `none`."""


class NotFetched(Exception):
    """The provider did not answer, or with something else."""


@dataclass(frozen=True)
class ProviderKey:
    key: Any
    algorithm: str


class ProviderKeys:
    """`keys_url` None: where the discovery document of `issuer` says."""

    def __init__(self, issuer: str, keys_url: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._keys_url = keys_url
        self._clock = clock
        self._keys: dict[str, ProviderKey] = {}
        self._fetched_at = self._tried_at = -math.inf
        self._fetching = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def named(self, key_id: str) -> ProviderKey | None:
        """Raises Unavailable while no keys are known that are young enough to be used."""
        if key_id not in self._keys or self._age() >= USABLE_S:
            await self._fetch()
        elif self._age() >= FRESH_S and (self._refreshing is None or self._refreshing.done()):
            # Nobody waits for it: the key is known.
            self._refreshing = asyncio.create_task(self._fetch())
        if self._age() >= USABLE_S:
            raise Unavailable("The identity provider cannot be reached at the moment. Please try again.")
        return self._keys.get(key_id)

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _fetch(self) -> None:
        """One fetch for all who wait; none if the last one was a moment ago."""
        async with self._fetching:
            if self._clock() - self._tried_at < AGAIN_S:
                return
            self._tried_at = self._clock()
            try:
                self._keys = await asyncio.to_thread(fetched_keys, self._issuer, self._keys_url)
            except NotFetched as error:
                log.warning("The keys of the identity provider cannot be had: %s", error)
                return
            self._fetched_at = self._clock()


def fetched_keys(issuer: str, keys_url: str | None) -> dict[str, ProviderKey]:
    """Blocks. Raises NotFetched."""
    keys = fetched(keys_url or discovered_url(issuer)).get("keys")
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise NotFetched("the answer holds no list of keys")
    usable = dict(found for found in map(usable_key, keys) if found is not None)
    if not usable:
        raise NotFetched("the answer holds no key that can be used")
    return usable


def discovered_url(issuer: str) -> str:
    document = fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    url = document.get("jwks_uri")
    if document.get("issuer") != issuer or not isinstance(url, str) or not is_safe_address(url):
        raise NotFetched("the discovery document names another issuer, or no address of keys")
    return url


def usable_key(given: object) -> tuple[str, ProviderKey] | None:
    """(key id, key); None for keys that are for something else, as a provider may have them beside those for us."""
    if not isinstance(given, dict) or not isinstance(given.get("kid"), str) or given.get("use", "sig") != "sig":
        return None
    kind = given.get("kty")
    algorithm = ALGORITHMS.get((kind, None if kind == "RSA" else given.get("crv"))) if isinstance(kind, str) else None
    if algorithm is None or given.get("alg", algorithm) != algorithm or "d" in given:
        return None
    try:
        key = jwt.PyJWK(given, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        return None
    return given["kid"], ProviderKey(key, algorithm)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An address that was checked must not lead to one that was not."""

    def redirect_request(self, *_: object) -> None:
        return None


def fetched(url: str) -> dict[str, Any]:
    """The JSON object at `url`. Raises NotFetched."""
    opener = urllib.request.build_opener(_NoRedirect)
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - checked by is_safe_address.
    try:
        with opener.open(request, timeout=FETCH_WITHIN_S) as response:
            document = orjson.loads(read_within(response, time.monotonic() + FETCH_WITHIN_S))
    except (OSError, HTTPException, ValueError) as error:
        raise NotFetched(f"{type(error).__name__}: {error}") from error
    if not isinstance(document, dict):
        raise NotFetched("the answer is no JSON object")
    return document


def read_within(response: HTTPResponse, deadline: float) -> bytes:
    body = b""
    while chunk := response.read1(65_536):
        body += chunk
        if len(body) > MAX_BYTES or time.monotonic() > deadline:
            raise NotFetched("the answer is too long, or too slow")
    return body


def is_safe_address(url: str) -> bool:
    """https, or plain http on this machine."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return is_safe and has_port and bool(parts.hostname) and parts.username is None and url.isprintable()
