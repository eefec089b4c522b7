"""The keys that sign: tokens with Ed25519, cursors with a shared secret. Made on first use in a folder of their own.

Processes that share the folder agree: the first one makes the keys under a lock, the others read them. A key file is
moved into place when it is complete, so that a crash leaves none rather than half of one.
"""

import base64
import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from feed_service.errors import ConfigurationError

TOKEN_FILE = "tokens.pem"  # noqa: S105 - the name of a file.
CURSOR_FILE = "cursors.key"
SECRET_BYTES = 32


@dataclass(frozen=True)
class SigningKeys:
    """`token` signs tokens; `cursor` is the secret for cursors."""

    token: Ed25519PrivateKey
    cursor: bytes

    @property
    def key_id(self) -> str:
        """The thumbprint of the public key (RFC 7638): a token names the key that signed it."""
        x = unpadded(self.token.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        return unpadded(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


def load_or_create(folder: Path, *, token_pem: str | None = None, cursor_secret: str | None = None) -> SigningKeys:
    """What is configured (a PEM text; 32 bytes or more in base64), and from `folder` what is not.

    Raises:
        ConfigurationError: a configured key cannot be used, or the folder or a file in it can be read by others.
    """
    with locked(folder) if token_pem is None or cursor_secret is None else unlocked():
        pem = token_pem.encode() if token_pem else kept(folder / TOKEN_FILE, new_token_key)
        secret = configured_secret(cursor_secret) if cursor_secret else kept(folder / CURSOR_FILE, new_secret)
    if len(secret) < SECRET_BYTES:
        raise ConfigurationError(f"The secret for cursors must have {SECRET_BYTES} bytes or more.")
    return SigningKeys(token_key_of(pem), secret)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder, made if it is not there, for this process alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_if_open(folder)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def unlocked() -> Iterator[None]:
    yield


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    if path.exists():
        refuse_if_open(path)
        return path.read_bytes()
    content = make()
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return content


def refuse_if_open(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path} holds signing keys and must not be open to others: chmod go= {path}")


def new_token_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def token_key_of(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError("The key for tokens is no unencrypted private key in PEM.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError("The key for tokens must be an Ed25519 private key.")
    return key


def configured_secret(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ConfigurationError("The secret for cursors must be written in base64.") from error


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
