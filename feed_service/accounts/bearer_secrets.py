"""Secrets that are handed out once and kept as their hash only: refresh tokens, and those in mails."""

import hashlib
import hmac
import secrets

from feed_service.accounts.encoding import unpadded

SECRET_BYTES = 32
NONCE_BYTES = 32


def new_secret() -> str:
    """256 bits, in the letters of an address."""
    return unpadded(secrets.token_bytes(SECRET_BYTES))


def new_nonce() -> bytes:
    return secrets.token_bytes(NONCE_BYTES)


def hash_of(secret: str) -> bytes:
    """SHA-256: what has 256 bits of chance in it needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def successor_of(secret: str, nonce: bytes) -> str:
    """The secret that follows `secret`: the same each time, and made only by who has both it and the nonce."""
    return unpadded(hmac.digest(secret.encode(), nonce, "sha256"))
