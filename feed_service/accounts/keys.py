"""The keys that sign: tokens with Ed25519, cursors with a shared secret. Made on first use in a folder of their own.

Processes that share the folder agree: the first one makes the keys under a lock, the others read them. A key file is
moved into place when it is complete, so that a crash leaves none rather than half of one.
"""

import base64
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from feed_service.accounts.token_keys import TokenKey, TokenKeys, new_token_key, token_key_of, token_keys_of
from feed_service.errors import ConfigurationError

TOKEN_FILE = "tokens.pem"  # noqa: S105 - the name of a file.
"""The first key. Those that follow carry the moment from which they sign: tokens-20261121T065130.123456Z.pem."""

CURSOR_FILE = "cursors.key"
SECRET_BYTES = 32

MOMENT = "%Y%m%dT%H%M%S.%fZ"
FOLLOWING = re.compile(r"tokens-(\d{8}T\d{6}\.\d{6}Z)\.pem")

KNOWN_BEFORE = timedelta(seconds=5)
"""A new key lies in the folder for so long before it signs, so that every process knows it by then."""

NOTICED_WITHIN = timedelta(minutes=5)
"""More than enough for every process to sign with a new key, and for clocks that differ."""


@dataclass(frozen=True)
class SigningKeys:
    """`token` signs and verifies tokens; `cursor` is the secret for cursors."""

    token: TokenKeys
    cursor: bytes


def load_or_create(folder: Path, *, token_pem: str | None = None, cursor_secret: str | None = None) -> SigningKeys:
    """What is configured (PEM texts, of which the first signs; 32 bytes or more in base64), else what is in `folder`.

    Raises:
        ConfigurationError: a configured key cannot be used, or the folder or a file in it can be read by others.
    """
    with locked(folder) if token_pem is None or cursor_secret is None else unlocked():
        if token_pem is None and not token_files(folder):
            kept(folder / TOKEN_FILE, new_token_key)
        secret = configured_secret(cursor_secret) if cursor_secret else kept(folder / CURSOR_FILE, new_secret)
    if len(secret) < SECRET_BYTES:
        raise ConfigurationError(f"The secret for cursors must have {SECRET_BYTES} bytes or more.")
    if token_pem is None:
        return SigningKeys(TokenKeys(lambda: keys_in(folder, datetime.now(UTC))), secret)
    configured = token_keys_of(token_pem)
    return SigningKeys(TokenKeys(lambda: configured), secret)


def rotate(folder: Path, now: datetime, longest_life: timedelta) -> int:
    """Sign with a new key in a moment, and drop those whose last tokens have expired. Returns how many were dropped."""
    load_or_create(folder)
    with locked(folder):
        kept(folder / f"tokens-{(now + KNOWN_BEFORE).astimezone(UTC).strftime(MOMENT)}.pem", new_token_key)
        files = token_files(folder)
        out_of_use = [
            older for newer, older in pairwise(files)
            if signs_from(newer) + longest_life + NOTICED_WITHIN < now
        ]  # fmt: skip
        for path in out_of_use:
            path.unlink()
    return len(out_of_use)


def keys_in(folder: Path, now: datetime) -> list[TokenKey]:
    """Newest first, and those that do not sign yet last.

    A file that is dropped between the look at the folder and its opening is left out.
    """
    found = []
    for path in sorted(token_files(folder), key=lambda path: signs_from(path) > now):
        try:
            refuse_if_open(path)
            found.append(token_key_of(path.read_bytes()))
        except FileNotFoundError:
            continue
    if not found:
        raise ConfigurationError(f"There is no key for tokens in {folder}.")
    return found


def token_files(folder: Path) -> list[Path]:
    """Newest first."""
    names = [path for path in folder.iterdir() if path.name == TOKEN_FILE or FOLLOWING.fullmatch(path.name)]
    return sorted(names, key=signs_from, reverse=True)


def signs_from(path: Path) -> datetime:
    match = FOLLOWING.fullmatch(path.name)
    if match is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.strptime(match[1], MOMENT).replace(tzinfo=UTC)


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


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def configured_secret(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ConfigurationError("The secret for cursors must be written in base64.") from error
