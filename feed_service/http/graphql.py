"""The endpoint: GraphQL over HTTP, by POST and GET, with a GraphQL-shaped JSON answer to whatever comes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from feed_service.execution.documents import Documents, Operation
from feed_service.execution.faults import revealed
from feed_service.execution.paths import Asked, Execution
from feed_service.execution.run import TIME_LIMIT_S, Answer
from feed_service.http.answers import Answers, Made, Question, is_repeated
from feed_service.http.bearer import ViewerOf, token_in
from feed_service.http.body import Gone, GraphQLRequest, read_body, request_from_json, request_from_query_string
from feed_service.http.headers import GZIP_FROM_BYTES, THREAD_FROM_BYTES, of_answer
from feed_service.http.heard import Heard
from feed_service.http.negotiation import GRAPHQL, JSON, answer_type, is_json
from feed_service.http.persisted import PersistedDocuments
from feed_service.http.refusals import (
    HttpRefusal,
    MethodNotAllowed,
    MutationByGet,
    NotAcceptable,
    UnsupportedMediaType,
)
from feed_service.http.replies import Reply, refused
from feed_service.http.validators import digest_of, named_in
from feed_service.metering import REFUSED, Meters
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.watching import WATCH, Watch


@dataclass(frozen=True, slots=True)
class Asking:
    """One request, as far as it is understood. `raw`: the bytes that say what is asked."""

    heard: Heard
    viewer: Viewer
    media_type: str
    asked: GraphQLRequest
    raw: bytes
    is_fresh: bool

    @property
    def is_get(self) -> bool:
        return self.heard.is_get


class GraphQLEndpoint:
    """An ASGI application for one path; it takes every method.

    `viewer_of` gives the viewer of a token, and raises Unauthenticated for a bad one; `context_of` makes what resolvers
    find as `info.context`, new for each request, from the viewer and the request's id. `answers` are those given
    before; without, every question is answered anew. `is_recent` judges the header Feed-Consistency: whether its token
    is so young that caches may not know what it stands for; it raises BadUserInput for a bad one.
    """

    def __init__(
        self,
        execution: Execution,
        documents: Documents,
        viewer_of: ViewerOf,
        context_of: Callable[[Viewer, str], object],
        *,
        persisted: PersistedDocuments | None = None,
        answers: Answers | None = None,
        is_recent: Callable[[str], bool] = bool,
        time_limit_s: float = TIME_LIMIT_S,
        meters: Meters | None = None,
    ) -> None:
        self.execution = execution
        self.documents = documents
        self.viewer_of = viewer_of
        self.context_of = context_of
        self.persisted = persisted or PersistedDocuments()
        self.answers = answers
        self.is_recent = is_recent
        self.time_limit_s = time_limit_s
        self.meters = meters or Meters()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        heard = Heard.of(scope)
        await self.answer(heard, partial(read_body, heard.content_length, receive), send)

    async def answer(self, heard: Heard, read: Callable[[], Awaitable[bytes]], send: Send) -> None:
        """Send the answer to a request whose body is what `read` gives."""
        try:
            reply = await self._reply(heard, read)
        except Gone:
            return
        await reply.send(send, heard.request_id, takes_gzip=heard.takes_gzip)

    async def _reply(self, heard: Heard, read: Callable[[], Awaitable[bytes]]) -> Reply:
        media_type = answer_type(", ".join(heard.accept))
        if media_type is None:
            refusal = NotAcceptable(f"This address answers in {GRAPHQL} or {JSON}.")
            return refused(heard.request_id, refusal, JSON)
        is_graphql, watch = False, Watch(heard.request_id)
        watch.traceparent, was = heard.traceparent, WATCH.set(watch)
        try:
            viewer = await self.viewer_of(token_in(heard.authorization)) if heard.authorization else ANONYMOUS
            watch.viewer_id = viewer.user_id
            is_fresh = bool(heard.consistency) and self.is_recent(heard.consistency)
            asking = Asking(heard, viewer, media_type, *await graphql_request(heard, read), is_fresh)
            is_graphql = True
            return await self._answered(asking)
        except Gone:
            raise
        except Exception as fault:  # noqa: BLE001 - the one place where what nobody foresaw is logged and masked.
            shown = revealed(fault, heard.request_id)
            if not watch.codes:
                # Otherwise it was executed, and is counted as an error of its operation.
                self.meters.outcomes["refused"] += 1
                self.meters.errors[REFUSED, shown.code] += 1
            is_graphql &= shown is fault and not isinstance(shown, HttpRefusal)
            return refused(heard.request_id, shown, media_type, is_graphql=is_graphql)
        finally:
            WATCH.reset(was)

    async def _answered(self, asking: Asking) -> Reply:
        text = await self.persisted.text_of(asking.asked)
        if self.answers is not None:
            return await self._answered_again(self.answers, asking, text)
        _, answer = await self._run(asking, await self._prepared(asking, text))
        return Reply(body_of(answer), asking.media_type)

    async def _answered_again(self, answers: Answers, asking: Asking, text: str) -> Reply:
        """By what is known of earlier answers; otherwise anew, to be known from then on."""
        question = Question(digest_of(text, asking.asked, asking.media_type), asking.viewer, asking.is_fresh)
        etags = named_in(", ".join(asking.heard.if_none_match)) if asking.is_get else []
        if etag := await answers.unchanged(question, etags):
            self.meters.outcomes["not_modified"] += 1
            return self._told(answers, asking, question, etag, None)
        if is_repeated(asking.viewer, is_get=asking.is_get) and (kept := await answers.body(question)):
            body = None if kept.etag in etags else kept.body
            self.meters.outcomes["repeated" if body else "not_modified"] += 1
            return self._told(answers, asking, question, kept.etag, body, is_packed=kept.is_packed)
        operation = await self._prepared(asking, text)
        begun = await answers.begin(question) if operation.is_query else None
        context, answer = await self._run(asking, operation)
        body = body_of(answer)
        if answer.errors or not operation.is_query:
            return Reply(body, asking.media_type)
        made = Made(text, operation.document, context, body, asking.media_type)
        etag = answers.made(question, begun, made, is_get=asking.is_get)
        reply = self._told(answers, asking, question, etag, None if etag in etags else body)
        if (asking.is_get and answers.shared) or len(body) >= THREAD_FROM_BYTES:
            reply.afterwards = partial(answers.settle, question, etag if asking.is_get else "")
        return reply

    def _told(
        self,
        answers: Answers,
        asking: Asking,
        question: Question,
        etag: str,
        body: bytes | None,
        *,
        is_packed: bool = False,
    ) -> Reply:
        """An answer to a query; 304 without a body. What is asked by POST is kept by nobody.

        The shortest way sends no long bodies, which may have to be compressed: it is not told of questions for them,
        lest it judge their answers and then leave them to be judged again here.
        """
        accepts = asking.heard.accept
        takes_shortest_way = asking.is_get or (len(body or b"") < GZIP_FROM_BYTES and not is_packed)
        if len(accepts) <= 1 and takes_shortest_way:
            accept = accepts[0].encode("latin-1") if accepts else b""
            (answers.questions if asking.is_get else answers.posted).keep(asking.raw, accept, question.digest)
        if not asking.is_get:
            return Reply(body or b"", asking.media_type, is_packed=is_packed)
        headers = (*of_answer(is_anonymous=asking.viewer.is_anonymous), (b"etag", etag.encode()))
        status = 304 if body is None else 200
        return Reply(body or b"", asking.media_type, status, headers, is_packed=is_packed and body is not None)

    async def _prepared(self, asking: Asking, text: str) -> Operation:
        operation = self.documents.prepare(text, asking.asked.operation_name)
        await self.persisted.register(asking.asked)
        if asking.is_get and not operation.is_query:
            raise MutationByGet("A mutation must be sent by POST.")
        return operation

    async def _run(self, asking: Asking, operation: Operation) -> tuple[object, Answer]:
        """The context in which it was executed, and what came of it."""
        name = asking.heard.request_id
        self.meters.outcomes["executed"] += 1

        def context_of() -> object:
            context = self.context_of(asking.viewer, name)
            if self.answers is not None:
                self.answers.reads_of(context).is_fresh = asking.is_fresh
            return context

        return await self.execution.run(
            Asked(operation, asking.asked.variables, context_of, request_id=name, time_limit_s=self.time_limit_s)
        )


async def graphql_request(heard: Heard, read: Callable[[], Awaitable[bytes]]) -> tuple[GraphQLRequest, bytes]:
    """What is asked, and the bytes that say so."""
    if heard.is_get:
        return request_from_query_string(heard.query_string), heard.query_string
    if heard.method != "POST":
        raise MethodNotAllowed("GraphQL is spoken by POST and GET.")
    # Browsers send the simple content types to any site without asking: to take JSON alone keeps forged requests out.
    if not is_json(heard.content_type):
        raise UnsupportedMediaType(f"The body must be {JSON} in UTF-8.")
    if heard.content_encoding.lower() not in {"", "identity"}:
        raise UnsupportedMediaType("The body must not be compressed.")
    raw = await read()
    return request_from_json(raw), raw


def body_of(answer: Answer) -> bytes:
    found: dict[str, Any] = {"errors": answer.errors, "data": answer.data} if answer.errors else {"data": answer.data}
    if answer.extensions:
        found["extensions"] = answer.extensions
    return orjson.dumps(found)
