"""The peer of `make bench-polling`: 200 bytes of JSON by Starlette and nothing else, as `feed-service serve` serves."""

import gc
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feed_service import serving

BODY = b'{"data":{"words":"' + b"x" * 179 + b'"}}'


async def answer(_: Request) -> Response:
    return Response(BODY, media_type="application/json")


def main() -> None:
    """Serve on the port that is named, and say so."""
    with serving.listening("127.0.0.1", int(sys.argv[1])) as listener:
        print(f"ready: http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        gc.freeze()  # As the command does.
        app = Starlette(routes=[Route("/graphql", answer, methods=["GET", "POST"])])
        uvicorn.Server(uvicorn.Config(app, **serving.OPTIONS)).run(sockets=[listener])


if __name__ == "__main__":
    main()
