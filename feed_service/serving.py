"""Runs the application under uvicorn, in this process or in several."""

import os
import socket
import threading
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from feed_service.app import create_app
from feed_service.database import ReadDatabase, create_engine, migrate
from feed_service.errors import ConfigurationError
from feed_service.imports import demo
from feed_service.settings import Settings

DRAIN_S = 20
"""Seconds that requests under way get to finish after SIGTERM."""

START_S = 60

SILENT_WORKER_S = 30
"""A worker that says nothing for so long is replaced. It says nothing while it imports the application, which takes two
seconds of one core: of uvicorn's own 5 s, workers that start together on few or busy cores are replaced for ever."""

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    # Alembic has two lines for every look at the revision, and /readyz looks often.
    "loggers": {"alembic": {"level": "WARNING"}},
}
"""For every process: uvicorn's workers are new ones, which know nothing of what was set up here."""

OPTIONS: dict[str, Any] = {
    "log_config": LOGGING,
    "ws": "none",
    "server_header": False,
    "access_log": False,
    "log_level": "warning",
    "timeout_graceful_shutdown": DRAIN_S,
    "timeout_worker_healthcheck": SILENT_WORKER_S,
}


async def prepare(url: str, *, may_migrate: bool, demo_wanted: bool) -> None:
    """Make the database ready to be served.

    Raises:
        ConfigurationError: it is not migrated, and it is not ours to migrate.
    """
    if may_migrate:
        await migrate(url)
    else:
        await _require_current(url)
    if demo_wanted:
        engine = create_engine(url, pool_size=2)
        await demo.load_demo(engine, datetime.now(UTC))
        await engine.dispose()


async def _require_current(url: str) -> None:
    database = ReadDatabase.connect(url, pool_size=1)
    try:
        if not await database.is_current():
            raise ConfigurationError("The database is not migrated to this version; run `feed-service migrate`.")
    finally:
        await database.close()


def serve(settings: Settings, workers: int) -> None:
    """Returns when the server was told to stop and the requests under way are answered.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    with listening(settings.host, settings.port) as listener:
        threading.Thread(target=_announce, args=(listener.getsockname(),), daemon=True).start()
        if workers == 1:
            uvicorn.Server(uvicorn.Config(create_app(settings), **OPTIONS)).run(sockets=[listener])
            return
        # The workers are new processes, which read the environment as this one did.
        os.environ |= {"DATABASE_URL": str(settings.database_url), "CACHE_URL": settings.cache_url}
        config = uvicorn.Config("feed_service.app:create_app", factory=True, workers=workers, **OPTIONS)
        Multiprocess(config, [listener]).run()


def listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        raise ConfigurationError(f"Port {port} of {host} cannot be listened on: {error.strerror}.") from error


def _announce(address: tuple[Any, ...]) -> None:
    """Print where GraphiQL is as soon as the service is ready."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 - shown, not bound.
    base = f"http://{f'[{host}]' if ':' in host else host}:{address[1]}"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=START_S):  # noqa: S310 - our own address.
                print(f"GraphiQL: {base}/graphql", flush=True)  # noqa: T201 - what the user waits for.
                return
        except OSError:
            time.sleep(0.05)
