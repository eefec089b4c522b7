"""The endpoint: GraphQL over HTTP, by POST and GET, with a GraphQL-shaped JSON answer to whatever comes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLSchema
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from feed_service.errors import FeedError, Unauthenticated
from feed_service.execution.documents import Documents, Operation
from feed_service.execution.faults import revealed
from feed_service.execution.run import TIME_LIMIT_S, Answer, Torn, refusal_errors, run
from feed_service.http.answers import Answers, Made, Question
from feed_service.http.bearer import ViewerOf, viewer_of_request
from feed_service.http.body import GraphQLRequest, read_body, request_from_json, request_from_query_string
from feed_service.http.headers import GZIP_FROM_BYTES, VARY, of_answer
from feed_service.http.negotiation import GRAPHQL, JSON, accept_of, answer_type, is_json
from feed_service.http.persisted import PersistedDocuments
from feed_service.http.refusals import (
    HttpRefusal,
    MethodNotAllowed,
    MutationByGet,
    NotAcceptable,
    UnsupportedMediaType,
)
from feed_service.http.validators import digest_of, named_in
from feed_service.viewer import Viewer

log = logging.getLogger(__name__)

RETRY_AFTER_S = "2"
"""As long as a request waits for a connection before it is refused."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One request, as far as it is understood."""

    request: Request
    viewer: Viewer
    media_type: str
    asked: GraphQLRequest
    raw: bytes
    is_fresh: bool

    @property
    def is_get(self) -> bool:
        return self.request.method == "GET"


class GraphQLEndpoint:
    """An ASGI application for one path; it takes every method.

    `viewer_of` gives the viewer of a token, and raises Unauthenticated for a bad one; `context_of` makes what resolvers
    find as `info.context`, new for each request, from the viewer and the request's id. `answers` are those given
    before; without, every question is answered anew. `is_recent` judges the header Feed-Consistency: whether its token
    is so young that caches may not know what it stands for; it raises BadUserInput for a bad one.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        viewer_of: ViewerOf,
        context_of: Callable[[Viewer, str], object],
        *,
        persisted: PersistedDocuments | None = None,
        answers: Answers | None = None,
        is_recent: Callable[[str], bool] = bool,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self.schema = schema
        self.documents = documents
        self.viewer_of = viewer_of
        self.context_of = context_of
        self.persisted = persisted or PersistedDocuments()
        self.answers = answers
        self.is_recent = is_recent
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
        is_fresh = self.is_recent(request.headers.get("feed-consistency", ""))
        asking = Asking(request, viewer, media_type, *await graphql_request(request), is_fresh)
        try:
            text = await self.persisted.text_of(asking.asked)
            if self.answers is not None:
                return await self._answered_again(self.answers, asking, text)
            _, answer = await self._run(asking, await self._prepared(asking, text))
        except FeedError as refusal:
            return refused(request, refusal, media_type, is_graphql=not isinstance(refusal, HttpRefusal))
        return json_response(body_of(answer), media_type)

    async def _answered_again(self, answers: Answers, asking: Asking, text: str) -> Response:
        """By what is known of earlier answers; otherwise anew, to be known from then on."""
        question = Question(digest_of(text, asking.asked, asking.media_type), asking.viewer, asking.is_fresh)
        etags = named_in(", ".join(asking.request.headers.getlist("if-none-match"))) if asking.is_get else []
        if etag := await answers.unchanged(question, etags):
            return self._told(answers, asking, question, etag, None)
        is_kept = asking.viewer.is_anonymous or not asking.is_get
        if is_kept and (kept := await answers.body(question)):
            return self._told(answers, asking, question, kept.etag, None if kept.etag in etags else kept.body)
        operation = await self._prepared(asking, text)
        begun = await answers.begin(question) if operation.is_query else None
        context, answer = await self._run(asking, operation)
        body = body_of(answer)
        if answer.errors or not operation.is_query:
            return json_response(body, asking.media_type)
        made = Made(text, operation.document, context, body, asking.media_type)
        etag = answers.made(question, begun, made, is_get=asking.is_get)
        response = self._told(answers, asking, question, etag, None if etag in etags else body)
        if asking.is_get and answers.shared:
            response.background = BackgroundTask(answers.share, etag)
        return response

    def _told(self, answers: Answers, asking: Asking, question: Question, etag: str, body: bytes | None) -> Response:
        """An answer to a query; 304 without a body. What is asked by POST is kept by nobody.

        The shortest way sends no long bodies, which may have to be compressed: it is not told of questions for them,
        lest it judge their answers and then leave them to be judged again here.
        """
        accepts = asking.request.headers.getlist("accept")
        takes_shortest_way = asking.is_get or len(body or b"") < GZIP_FROM_BYTES
        if len(accepts) <= 1 and takes_shortest_way:
            accept = accepts[0].encode("latin-1") if accepts else b""
            (answers.questions if asking.is_get else answers.posted).keep(asking.raw, accept, question.digest)
        if not asking.is_get:
            return json_response(body or b"", asking.media_type)
        headers = {name.decode(): value.decode() for name, value in of_answer(is_anonymous=asking.viewer.is_anonymous)}
        if body is None:
            return Response(None, 304, headers | {"ETag": etag})
        response = json_response(body, asking.media_type)
        response.headers.update(headers | {"ETag": etag})
        return response

    async def _prepared(self, asking: Asking, text: str) -> Operation:
        operation = self.documents.prepare(text, asking.asked.operation_name)
        await self.persisted.register(asking.asked)
        if asking.is_get and not operation.is_query:
            raise MutationByGet("A mutation must be sent by POST.")
        return operation

    async def _run(self, asking: Asking, operation: Operation) -> tuple[object, Answer]:
        """The context in which it was executed, and what came of it."""
        try:
            return await self._run_once(asking, operation, refuses_torn=operation.is_query)
        except Torn:
            return await self._run_once(asking, operation, refuses_torn=False)

    async def _run_once(self, asking: Asking, operation: Operation, *, refuses_torn: bool) -> tuple[object, Answer]:
        context = self.context_of(asking.viewer, request_id(asking.request))
        if self.answers is not None:
            self.answers.reads_of(context).is_fresh = asking.is_fresh
        answer = await run(
            self.schema,
            operation,
            variables=asking.asked.variables,
            context=context,
            request_id=request_id(asking.request),
            time_limit_s=self.time_limit_s,
            refuses_torn=refuses_torn,
        )
        return context, answer


async def graphql_request(request: Request) -> tuple[GraphQLRequest, bytes]:
    """What is asked, and the bytes that say so."""
    if request.method == "GET":
        raw: bytes = request.scope["query_string"]
        return request_from_query_string(raw), raw
    if request.method != "POST":
        raise MethodNotAllowed("GraphQL is spoken by POST and GET.")
    # Browsers send the simple content types to any site without asking: to take JSON alone keeps forged requests out.
    if not is_json(request.headers.get("content-type")):
        raise UnsupportedMediaType(f"The body must be {JSON} in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.")
    raw = await read_body(request)
    return request_from_json(raw), raw


def refused(request: Request, refusal: FeedError, media_type: str, *, is_graphql: bool = False) -> Response:
    """A request that was not executed. Older clients expect 200 for whatever lies in the GraphQL they sent."""
    log.info("request %s: %s", request_id(request), refusal.code)
    is_legacy_ok = is_graphql and media_type == JSON and refusal.http_status < 500
    response = json_response(
        orjson.dumps({"errors": refusal_errors(refusal, request_id(request))}),
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


def body_of(answer: Answer) -> bytes:
    found: dict[str, Any] = {"errors": answer.errors, "data": answer.data} if answer.errors else {"data": answer.data}
    return orjson.dumps(found)


def json_response(body: bytes, media_type: str, status: int = 200) -> Response:
    return Response(body, status, {"Content-Type": f"{media_type}; charset=utf-8", "Vary": VARY})


def request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
