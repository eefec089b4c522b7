"""The environment, read once into `Settings`; nothing below the roof reads it again."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from feed_service.errors import ConfigurationError

CHECKOUT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Settings:
    """`database_url` None means the embedded server, whose data lie in `data_dir`.

    `token_key` (PEM) and `cursor_secret` (base64) sign tokens and cursors; None means those kept in `data_dir`.
    """

    database_url: str | None
    cache_url: str
    data_dir: Path
    token_key: str | None
    cursor_secret: str | None
    host: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigurationError, which names the variable, for a value that cannot be used."""
        return cls(
            database_url=environment.get("DATABASE_URL") or None,
            cache_url=cache_url(environment.get("CACHE_URL") or "memory://"),
            data_dir=CHECKOUT / (environment.get("FEED_DATA_DIR") or ".data"),
            token_key=environment.get("FEED_TOKEN_KEY") or None,
            cursor_secret=environment.get("FEED_CURSOR_SECRET") or None,
            host="127.0.0.1",
            port=port(environment.get("PORT") or "8000"),
        )


def cache_url(value: str) -> str:
    if not value.startswith(("memory://", "redis://", "rediss://")):
        raise ConfigurationError("CACHE_URL must begin with memory://, redis:// or rediss://.")
    return value


def port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) < 65536):
        raise ConfigurationError("PORT must be a number from 0 to 65535.")
    return int(value)
