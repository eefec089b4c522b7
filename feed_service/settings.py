"""The environment, read once into `Settings`; nothing below the roof reads it again."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Self

from feed_service import database_urls
from feed_service.accounts.provider import ProviderAddress
from feed_service.cache import addresses
from feed_service.errors import ConfigurationError

CHECKOUT = Path(__file__).parent.parent

MOST_DIGITS = 9


@dataclass(frozen=True)
class Seeing:
    """What the operator sees of a process.

    `is_development`: answers and logs tell of statements that are run for each row. `logs`: `json`, or `lines` for
    people. `slow_statement_s`, `slow_operation_s`: from where on they are logged; infinity for never. `traces_url`:
    where OpenTelemetry's spans go. `metrics_dir`: where several workers leave what they have counted for each other.
    """

    is_development: bool = True
    logs: str = "lines"
    slow_statement_s: float = inf
    slow_operation_s: float = inf
    traces_url: str | None = None
    metrics_dir: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raises ConfigurationError."""
        is_own = not environment.get("DATABASE_URL")
        folder = environment.get("FEED_METRICS_DIR")
        return cls(
            is_development=switch(
                "FEED_DEVELOPMENT", environment.get("FEED_DEVELOPMENT") or ("on" if is_own else "off")
            ),
            logs=one_of("FEED_LOGS", environment.get("FEED_LOGS") or ("lines" if is_own else "json"), "json", "lines"),
            slow_statement_s=threshold("FEED_SLOW_STATEMENT_MS", environment.get("FEED_SLOW_STATEMENT_MS") or "200"),
            slow_operation_s=threshold("FEED_SLOW_OPERATION_MS", environment.get("FEED_SLOW_OPERATION_MS") or "1000"),
            traces_url=environment.get("FEED_TRACES_URL") or None,
            metrics_dir=Path(folder) if folder else None,
        )


@dataclass(frozen=True)
class Running:
    """How processes start and stop.

    `pool_size`: connections of each for reading, and as many for writing. `lame_duck_s`: how long new connections are
    still taken after the signal to stop, while /readyz says that the service is stopping.
    """

    pool_size: int = 10
    lame_duck_s: float = 0.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raises ConfigurationError."""
        return cls(
            pool_size=whole("FEED_POOL_SIZE", environment.get("FEED_POOL_SIZE") or "10", 1, 1_000),
            lame_duck_s=whole("FEED_LAME_DUCK_S", environment.get("FEED_LAME_DUCK_S") or "0", 0, 300),
        )


@dataclass(frozen=True)
class Settings:
    """`database_url` None means the embedded server, whose data lie in `data_dir`.

    `token_key` (PEM) and `cursor_secret` (base64) sign tokens and cursors; None means those kept in `data_dir`.
    `public_url` is where front-end pages are that mails link to. `provider` signs people in instead of this service.
    `does_jobs`: processes that serve do jobs as well; without, `feed-service worker` does them.
    `keeps_entities`: each process keeps users, tags and categories in memory.
    `is_compiled`: operations are compiled; without, the reference executor runs them all.
    `trusted_documents`: files of persisted documents; with `only_trusted`, no others are answered.
    """

    database_url: str | None
    cache_url: str
    data_dir: Path
    token_key: str | None
    cursor_secret: str | None
    mail_url: str
    mail_from: str
    public_url: str | None
    provider: ProviderAddress | None
    does_jobs: bool
    keeps_entities: bool
    is_compiled: bool
    trusted_documents: tuple[Path, ...]
    only_trusted: bool
    host: str
    port: int
    seeing: Seeing = Seeing()
    running: Running = Running()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigurationError, which names the variable, for a value that cannot be used."""
        return cls(
            database_url=database_url(environment.get("DATABASE_URL") or None),
            cache_url=cache_url(environment.get("CACHE_URL") or "memory://"),
            data_dir=CHECKOUT / (environment.get("FEED_DATA_DIR") or ".data"),
            token_key=environment.get("FEED_TOKEN_KEY") or None,
            cursor_secret=environment.get("FEED_CURSOR_SECRET") or None,
            mail_url=environment.get("FEED_MAIL_URL") or ("none:" if environment.get("DATABASE_URL") else "log:"),
            mail_from=environment.get("FEED_MAIL_FROM") or "feed_service <noreply@localhost>",
            public_url=public_url(environment.get("FEED_PUBLIC_URL") or None),
            provider=provider(environment),
            does_jobs=switch("FEED_JOBS", environment.get("FEED_JOBS") or "on"),
            keeps_entities=switch("FEED_ENTITY_CACHE", environment.get("FEED_ENTITY_CACHE") or "on"),
            is_compiled=is_compiled(environment.get("FEED_EXECUTOR") or "compiled"),
            trusted_documents=paths(environment.get("FEED_TRUSTED_DOCUMENTS") or ""),
            only_trusted=switch("FEED_ONLY_TRUSTED", environment.get("FEED_ONLY_TRUSTED") or "off"),
            host="127.0.0.1",
            port=port(environment.get("PORT") or "8000"),
            seeing=Seeing.from_environment(environment),
            running=Running.from_environment(environment),
        )


def database_url(value: str | None) -> str | None:
    return database_urls.checked(value) if value else None


def cache_url(value: str) -> str:
    if value.partition("://")[0] not in addresses.SCHEMES:
        raise ConfigurationError(addresses.FORMS)
    return value


def public_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(("https://", "http://")):
        raise ConfigurationError("FEED_PUBLIC_URL must begin with https:// or http://.")
    return value.rstrip("/") if value else None


def provider(environment: Mapping[str, str]) -> ProviderAddress | None:
    issuer, audience = environment.get("FEED_OIDC_ISSUER"), environment.get("FEED_OIDC_AUDIENCE")
    keys_url = environment.get("FEED_OIDC_JWKS_URL")
    if issuer and audience:
        return ProviderAddress.of(issuer, audience, keys_url or None)
    if issuer or audience or keys_url:
        raise ConfigurationError("FEED_OIDC_ISSUER and FEED_OIDC_AUDIENCE must be set together.")
    return None


def paths(value: str) -> tuple[Path, ...]:
    """Separated as in PATH; relative ones begin at the checkout, as the data folder does."""
    return tuple(CHECKOUT / path for path in value.split(os.pathsep) if path)


def one_of(name: str, value: str, *known: str) -> str:
    if value not in known:
        raise ConfigurationError(f"{name} must be {' or '.join(known)}.")
    return value


def threshold(name: str, value: str) -> float:
    """Seconds of so many milliseconds; infinity for 0."""
    if not (value.isascii() and value.isdigit() and len(value) < MOST_DIGITS):
        raise ConfigurationError(f"{name} must be a number of milliseconds, or 0 for never.")
    return int(value) / 1_000 or inf


def whole(name: str, value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < MOST_DIGITS and least <= int(value) <= most):
        raise ConfigurationError(f"{name} must be a number from {least} to {most}.")
    return int(value)


def switch(name: str, value: str) -> bool:
    if value not in {"on", "off"}:
        raise ConfigurationError(f"{name} must be on or off.")
    return value == "on"


def is_compiled(value: str) -> bool:
    if value not in {"compiled", "reference"}:
        raise ConfigurationError("FEED_EXECUTOR must be compiled or reference.")
    return value == "compiled"


def port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) < 65536):
        raise ConfigurationError("PORT must be a number from 0 to 65535.")
    return int(value)
