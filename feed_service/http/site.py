"""All addresses of the service in one application. What they need is handed in."""

from dataclasses import dataclass

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from feed_service.execution.run import Execution
from feed_service.http.graphiql import GraphiQL
from feed_service.http.graphql import Authenticate, ContextFor, GraphQLEndpoint
from feed_service.http.headers import Headers
from feed_service.http.health import IsCurrent, health_routes


@dataclass(frozen=True)
class Parts:
    """What the application is made of: see `GraphQLEndpoint` and `health_routes`."""

    execution: Execution
    context_for: ContextFor
    authenticate: Authenticate
    is_current: IsCurrent


def create_site(parts: Parts, *, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    graphiql = GraphiQL()
    endpoint = GraphQLEndpoint(
        parts.execution, context_for=parts.context_for, authenticate=parts.authenticate, page=graphiql.page
    )
    site = Starlette(
        routes=[
            # Both forms answer by themselves: a redirect would be made from the Host header, which a client chooses.
            Route("/graphql", endpoint),
            Route("/graphql/", endpoint),
            Route("/graphiql/{name}", graphiql.asset),
            *health_routes(parts.is_current),
        ],
        middleware=[Middleware(Headers), Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)],
        exception_handlers={HTTPException: elsewhere},
        lifespan=lifespan,
    )
    site.router.redirect_slashes = False
    return site


async def elsewhere(_: Request, error: Exception) -> Response:
    """Addresses and methods that are not there."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(status, "BAD_USER_INPUT")
    body = {"errors": [{"message": "GraphQL is spoken at /graphql.", "extensions": {"code": code}}]}
    headers = (error.headers if isinstance(error, HTTPException) else None) or {}
    return Response(orjson.dumps(body), status, {**headers, "Content-Type": "application/json; charset=utf-8"})
