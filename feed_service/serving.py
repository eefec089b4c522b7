"""Runs the application under uvicorn, in this process or in several."""

import logging.config
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from multiprocessing import parent_process
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from feed_service import logs
from feed_service.app import create_app
from feed_service.draining import DRAIN_S, SIGNALS, DrainingProtocol, Workers, take_signals
from feed_service.embedded.death import end_with_parent
from feed_service.embedded.signals import unwinding
from feed_service.errors import ConfigurationError, FeedError
from feed_service.footprint import ENVIRONMENT, settle
from feed_service.settings import Settings
from feed_service.stopping import Stopping

START_S = 60

SILENT_WORKER_S = 30
"""A worker that says nothing for so long is replaced. It says nothing while it imports the application, which takes two
seconds of one core: of uvicorn's own 5 s, workers that start together on few or busy cores are replaced for ever."""

OPTIONS: dict[str, Any] = {
    # It is installed with the service: a worker that fell back to a slower one would be a fault that nobody sees.
    "loop": "asyncio" if sys.platform == "win32" else "uvloop",
    "http": DrainingProtocol,
    # No address or scheme of a client is used, so that nobody has to be trusted to tell them.
    "proxy_headers": False,
    "ws": "none",
    "server_header": False,
    "access_log": False,
    "log_level": "warning",
    # By then the protocol has answered in place of those that are too slow.
    "timeout_graceful_shutdown": DRAIN_S + 1,
    "timeout_worker_healthcheck": SILENT_WORKER_S,
}


def serve(settings: Settings, workers: int, *, becomes_server: bool = False) -> None:
    """Returns when the server was told to stop and the requests under way are answered.

    `becomes_server`: this process has nothing to do afterwards, and does not return: the server takes its place,
    without the modules of commands, migrations and imports, and with memory that is given back.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    with listening(settings.host, settings.port) as listener:
        # Workers are new processes, which read the environment as this one did.
        os.environ |= {
            "DATABASE_URL": str(settings.database_url),
            "CACHE_URL": settings.cache_url,
            "FEED_DEVELOPMENT": "on" if settings.seeing.is_development else "off",
            "FEED_LOGS": settings.seeing.logs,
        }
        if becomes_server:
            os.set_inheritable(listener.fileno(), True)
            argv = [sys.executable, "-m", __name__, str(listener.fileno()), str(workers)]
            os.execve(sys.executable, argv, ENVIRONMENT | os.environ)  # noqa: S606 - ourselves.
        run(settings, listener, workers)


def run(settings: Settings, listener: socket.socket, workers: int) -> None:
    threading.Thread(target=_announce, args=(listener.getsockname(),), daemon=True).start()
    logged = logs.configuration(settings.seeing.logs)
    logging.config.dictConfig(logged)
    lame_duck_s = settings.running.lame_duck_s
    if workers > 1:
        with TemporaryDirectory(prefix="feed-metrics-") as folder:
            os.environ["FEED_METRICS_DIR"] = folder
            app = "feed_service.serving:application"
            config = uvicorn.Config(app, factory=True, workers=workers, log_config=logged, **OPTIONS)
            Workers(config, [listener], lame_duck_s).run()
        return
    server = uvicorn.Server(uvicorn.Config(served(settings, is_worker=False), log_config=logged, **OPTIONS))
    # uvicorn raises the signal once more when all is done, which would make a failure of it.
    before = {number: signal.signal(number, server.handle_exit) for number in SIGNALS}
    server.run(sockets=[listener])
    for number, handler in before.items():
        signal.signal(number, handler)


def application() -> Any:  # noqa: ANN401 - as uvicorn takes it.
    """What each of several workers serves. One that cannot be configured is not started again."""
    parent = parent_process()
    if parent and parent.pid:
        end_with_parent(parent.pid, signal.SIGTERM)
    try:
        return served(Settings.from_environment(), is_worker=True)
    except FeedError as error:
        print(f"feed-service: {error}", file=sys.stderr)  # noqa: T201 - as from every command.
        raise SystemExit(STARTUP_FAILURE) from None


def served(settings: Settings, *, is_worker: bool) -> Any:  # noqa: ANN401 - as uvicorn takes it.
    stopping = Stopping()

    def started() -> None:
        take_signals(stopping, settings.running.lame_duck_s, is_worker=is_worker)
        settle()

    return create_app(settings, started, stopping)


def main() -> None:
    """`python -m feed_service.serving SOCKET WORKERS`: what `serve` becomes."""
    try:
        with unwinding():
            run(Settings.from_environment(), socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
    except FeedError as error:
        raise SystemExit(f"feed-service: {error}") from None


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


if __name__ == "__main__":
    main()
