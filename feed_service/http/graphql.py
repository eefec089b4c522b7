"""The endpoint: GraphQL over HTTP, by POST and GET, with a GraphQL-shaped JSON answer to whatever comes."""

import logging
from collections.abc import Callable
from typing import Any

import orjson
from graphql import GraphQLSchema
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from feed_service.errors import FeedError, Unauthenticated
from feed_service.execution.documents import Documents
from feed_service.execution.faults import revealed
from feed_service.execution.run import TIME_LIMIT_S, refusal_errors, run
from feed_service.http.bearer import ViewerOf, viewer_of_request
from feed_service.http.body import GraphQLRequest, read_body, request_from_json, request_from_query_string
from feed_service.http.negotiation import GRAPHQL, JSON, accept_of, answer_type, is_json
from feed_service.http.persisted import PersistedDocuments
from feed_service.http.refusals import (
    HttpRefusal,
    MethodNotAllowed,
    MutationByGet,
    NotAcceptable,
    UnsupportedMediaType,
)
from feed_service.viewer import Viewer

log = logging.getLogger(__name__)

RETRY_AFTER_S = "2"
"""As long as a request waits for a connection before it is refused."""


class GraphQLEndpoint:
    """An ASGI application for one path; it takes every method.

    `viewer_of` gives the viewer of a token, and raises Unauthenticated for a bad one; `context_of` makes what resolvers
    find as `info.context`, new for each request, from the viewer and the request's id.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        viewer_of: ViewerOf,
        context_of: Callable[[Viewer, str], object],
        *,
        persisted: PersistedDocuments | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self.persisted = persisted or PersistedDocuments()
        self.schema = schema
        self.documents = documents
        self.viewer_of = viewer_of
        self.context_of = context_of
        self.time_limit_s = time_limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self.response(Request(scope, receive))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def response(self, request: Request) -> Response:
        media_type = answer_type(accept_of(request.headers))
        try:
            return await self._accepted(request, media_type)
        except ClientDisconnect:
            raise
        except Exception as fault:  # noqa: BLE001 - the one place where what nobody foresaw is logged and masked.
            return refused(request, revealed(fault, request_id(request)), media_type or JSON)

    async def _accepted(self, request: Request, media_type: str | None) -> Response:
        if media_type is None:
            raise NotAcceptable(f"This address answers in {GRAPHQL} or {JSON}.")
        viewer = await viewer_of_request(request, self.viewer_of)
        return await self._answered(request, await graphql_request(request), viewer, media_type)

    async def _answered(self, request: Request, asked: GraphQLRequest, viewer: Viewer, media_type: str) -> Response:
        try:
            operation = self.documents.prepare(await self.persisted.text_of(asked), asked.operation_name)
            await self.persisted.register(asked)
            if request.method == "GET" and not operation.is_query:
                raise MutationByGet("A mutation must be sent by POST.")
            answer = await run(
                self.schema,
                operation,
                variables=asked.variables,
                context=self.context_of(viewer, request_id(request)),
                request_id=request_id(request),
                time_limit_s=self.time_limit_s,
            )
        except FeedError as refusal:
            return refused(request, refusal, media_type, is_graphql=not isinstance(refusal, HttpRefusal))
        body = {"errors": answer.errors, "data": answer.data} if answer.errors else {"data": answer.data}
        return json_response(body, media_type)


async def graphql_request(request: Request) -> GraphQLRequest:
    if request.method == "GET":
        return request_from_query_string(request.scope["query_string"])
    if request.method != "POST":
        raise MethodNotAllowed("GraphQL is spoken by POST and GET.")
    # Browsers send the simple content types to any site without asking: to take JSON alone keeps forged requests out.
    if not is_json(request.headers.get("content-type")):
        raise UnsupportedMediaType(f"The body must be {JSON} in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.")
    return request_from_json(await read_body(request))


def refused(request: Request, refusal: FeedError, media_type: str, *, is_graphql: bool = False) -> Response:
    """A request that was not executed. Older clients expect 200 for whatever lies in the GraphQL they sent."""
    log.info("request %s: %s", request_id(request), refusal.code)
    is_legacy_ok = is_graphql and media_type == JSON and refusal.http_status < 500
    response = json_response(
        {"errors": refusal_errors(refusal, request_id(request))},
        media_type,
        200 if is_legacy_ok else refusal.http_status,
    )
    if isinstance(refusal, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if response.status_code == 503:
        response.headers["Retry-After"] = RETRY_AFTER_S
    if isinstance(refusal, HttpRefusal):
        response.headers.update(refusal.headers)
    return response


def json_response(body: dict[str, Any], media_type: str, status: int = 200) -> Response:
    headers = {"Content-Type": f"{media_type}; charset=utf-8", "Vary": "Authorization, Accept"}
    return Response(orjson.dumps(body), status, headers)


def request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
