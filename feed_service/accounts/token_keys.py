"""The keys of tokens: several at a time, so that they can be changed while tokens of the old ones are still good."""

import hashlib
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from feed_service.accounts.encoding import unpadded
from feed_service.errors import ConfigurationError

log = logging.getLogger(__name__)

SIGNING_STALE_S = 2.0
"""How long a process may go on signing with a key that has been replaced."""

UNKNOWN_STALE_S = 2.0
"""An id of a key that nobody knows, as anyone can send, is looked for at most this often."""

KNOWN_STALE_S = 30.0
"""How long a process may go on accepting a key that has been taken away."""

ONE_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


@dataclass(frozen=True)
class TokenKey:
    private: Ed25519PrivateKey

    @cached_property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    @cached_property
    def key_id(self) -> str:
        """The thumbprint of the public key (RFC 7638): a token names the key that signed it."""
        x = unpadded(self.public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        return unpadded(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


class TokenKeys:
    """`load` gives all keys, the one that signs first. It is asked again as they may have been changed meanwhile."""

    def __init__(self, load: Callable[[], Sequence[TokenKey]], clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._keys = list(load())
        self._loaded_at = clock()

    def signing(self) -> TokenKey:
        self._reload_after(SIGNING_STALE_S)
        return self._keys[0]

    def named(self, key_id: object) -> TokenKey | None:
        self._reload_after(KNOWN_STALE_S)
        found = self._find(key_id)
        if found is None and self._reload_after(UNKNOWN_STALE_S):
            found = self._find(key_id)
        return found

    def _find(self, key_id: object) -> TokenKey | None:
        return next((key for key in self._keys if key.key_id == key_id), None)

    def _reload_after(self, stale_s: float) -> bool:
        """Whether it was time. What cannot be read now leaves the keys as they are."""
        now = self._clock()
        if now - self._loaded_at < stale_s:
            return False
        self._loaded_at = now
        try:
            self._keys = list(self._load())
        except (OSError, ConfigurationError):
            log.exception("The keys for tokens cannot be read again; those known stay in use")
        return True


def new_token_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def token_keys_of(text: str) -> list[TokenKey]:
    """The keys of one PEM text or of several, one after the other. Raises ConfigurationError."""
    return [token_key_of(pem.encode()) for pem in ONE_PEM.findall(text) or [text]]


def token_key_of(pem: bytes) -> TokenKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError("The key for tokens is no unencrypted private key in PEM.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError("The key for tokens must be an Ed25519 private key.")
    return TokenKey(key)
