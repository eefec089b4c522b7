"""`/metrics`: what the service counted since it began, for Prometheus."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feed_service.observability import CONTENT_TYPE


def routes(text: Callable[[], Awaitable[bytes]]) -> list[Route]:
    async def metrics(_: Request) -> Response:
        return Response(await text(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    return [Route("/metrics", metrics)]
