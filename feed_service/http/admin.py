"""`/admin`: GraphQL for administrators, and GraphiQL in a browser. What answers is made with its first request."""

from collections.abc import Callable

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from feed_service.http.graphiql import page_or


class Later:
    """An application that is made when it is first asked."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._made is None:
            self._made = self._make()
        await self._made(scope, receive, send)


def routes(make: Callable[[], ASGIApp]) -> list[Route]:
    endpoint = page_or(Later(make))
    return [Route("/admin", endpoint), Route("/admin/", endpoint)]
