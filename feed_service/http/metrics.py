"""`/metrics`: what this process counted since it began, for Prometheus."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feed_service.observability import CONTENT_TYPE


def routes(text: Callable[[], bytes]) -> list[Route]:
    async def metrics(_: Request) -> Response:
        return Response(text(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    return [Route("/metrics", metrics)]
