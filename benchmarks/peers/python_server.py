"""How the peers in Python are served: one uvicorn worker with the loop and the parser that the service has."""

import gc
import os
import socket
import sys
from typing import Any

import uvicorn

SERVER_SETTINGS = {"application_name": "feed_service_peer", "jit": "off"}
GENERIC_PLANS = {"plan_cache_mode": "force_generic_plan"}
"""As the service has it: one plan for all values of a prepared statement."""


def database_url() -> str:
    """Of DATABASE_URL, which the harness sets; as drivers take it."""
    return os.environ["DATABASE_URL"].replace("postgresql+asyncpg:", "postgresql:")


def serve(app: Any) -> None:  # noqa: ANN401 - an ASGI application.
    """Serve on the port that is named on the command line, 0 for any that is free, and say so."""
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=2_048) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
        gc.freeze()
        config = uvicorn.Config(
            app, loop="uvloop", http="httptools", ws="none", access_log=False, server_header=False, log_level="warning"
        )
        uvicorn.Server(config).run(sockets=[listener])
