"""Who sends a request: the token in its Authorization header."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from feed_service.errors import Unauthenticated
from feed_service.viewer import ANONYMOUS, Viewer

ViewerOf = Callable[[str], Awaitable[Viewer]]
"""The viewer of a token; raises Unauthenticated for a bad one."""


async def viewer_of_request(request: Request, viewer_of: ViewerOf) -> Viewer:
    """A bad token is refused, never taken for none: the client would think itself signed in."""
    given = request.headers.getlist("authorization")
    if not given:
        return ANONYMOUS
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The Authorization header must be `Bearer` and a token.")
    return await viewer_of(token.strip())
