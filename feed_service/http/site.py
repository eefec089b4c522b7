"""All addresses of the service, in one application."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from feed_service.http import graphiql, health
from feed_service.http.conditional import Unchanged, Viewers
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.headers import GZIP_FROM_BYTES, GZIP_LEVEL, THREAD_FROM_BYTES, SafeHeaders
from feed_service.http.negotiation import NDJSON
from feed_service.stopping import Stopping


def create_site(
    endpoint: GraphQLEndpoint,
    is_current: health.IsCurrent,
    lifespan: Lifespan[Starlette] | None = None,
    further: Sequence[Route] = (),
    stopping: Stopping | None = None,
) -> Starlette:
    """`is_current`, `stopping`: see `health.readyz`; `further` are the addresses beside GraphQL."""
    unchanged = (
        []
        if endpoint.answers is None
        else [Middleware(Unchanged, endpoint=endpoint, answers=endpoint.answers, viewers=Viewers(endpoint.viewer_of))]
    )
    graphql = graphiql.page_or(endpoint)
    site = Starlette(
        routes=[
            Route("/", graphiql.home),
            # Both forms answer by themselves: a redirect would be made from the Host header, which a client chooses.
            Route("/graphql", graphql),
            Route("/graphql/", graphql),
            Route("/graphiql/{name:path}", graphiql.asset),
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz(is_current, stopping or Stopping())),
            *further,
        ],
        middleware=[
            *unchanged,
            Middleware(SafeHeaders),
            Middleware(
                GZipMiddleware,
                minimum_size=GZIP_FROM_BYTES,
                compresslevel=GZIP_LEVEL,
                thread_minimum_size=THREAD_FROM_BYTES,
                # Downloads of a million lines would keep this process from answering others.
                exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, NDJSON),
            ),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    site.router.redirect_slashes = False
    return site


async def elsewhere(_: Request, error: Exception) -> Response:
    """Addresses and methods that are not there."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = (error.headers if isinstance(error, HTTPException) else None) or {}
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(status, "BAD_USER_INPUT")
    body = {"errors": [{"message": "There is nothing here; GraphQL is at /graphql.", "extensions": {"code": code}}]}
    return Response(orjson.dumps(body), status, {**headers, "Content-Type": "application/json; charset=utf-8"})


HANDLERS: Mapping[Any, Callable[[Request, Exception], Any]] = {HTTPException: elsewhere}
