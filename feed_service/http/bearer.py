"""Who sends a request: the token in its Authorization header."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request

from feed_service.errors import Unauthenticated
from feed_service.viewer import ANONYMOUS, Viewer

ViewerOf = Callable[[str], Awaitable[Viewer]]
"""The viewer of a token; raises Unauthenticated for a bad one."""


async def viewer_of_request(request: Request, viewer_of: ViewerOf) -> Viewer:
    """A bad token is refused, never taken for none: the client would think itself signed in."""
    given = request.headers.getlist("authorization")
    return await viewer_of(token_in(given)) if given else ANONYMOUS


def token_in(authorization: Sequence[str]) -> str:
    """The token in the header's values, of which there is one. Raises Unauthenticated."""
    scheme, _, token = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The Authorization header must be `Bearer` and a token.")
    return token.strip()
