"""A real server on a free port, in a thread of its own, as uvicorn takes over the signals of the main one."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

START_WITHIN_S = 10


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address of `app`, such as http://127.0.0.1:45678."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, server_header=False, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        wait_for(server)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def wait_for(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while not server.started:
        assert time.monotonic() < deadline, "The server did not start."
        time.sleep(0.01)
