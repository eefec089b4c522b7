"""The shortest way of a poll that finds nothing: 304, or the small body of before, without parsing and execution.

It knows only questions that the endpoint has answered in full or refused to answer anew. All else that is GraphQL goes
to the endpoint past middlewares and routing, which take longer than all that the endpoint does to a request.
"""

import asyncio
import logging
import time
from collections.abc import MutableMapping
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feed_service.bounded import Bounded
from feed_service.http.answers import Answers, Body, Question, is_same
from feed_service.http.bearer import ViewerOf, token_in
from feed_service.http.body import MAX_BYTES
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.headers import GZIP_FROM_BYTES, SAFE, VARY, new_or_given, of_answer
from feed_service.http.heard import Heard
from feed_service.viewer import ANONYMOUS, Viewer

log = logging.getLogger(__name__)

PATHS = frozenset({"/graphql", "/graphql/"})
MOST_VIEWERS = 10_000
VIEWER_FOR_S = 1.0
"""How long a poll that finds nothing takes a token for good; whatever is executed asks the database."""


FIRST_WITHIN_S = 1.0
"""A small body comes with its head; the endpoint has its own patience with slow ones."""

ASK_FOR_MORE = frozenset({b"feed-consistency", b"content-encoding", b"expect"})
LOOKED_AT = ASK_FOR_MORE | {b"if-none-match", b"accept", b"authorization", b"content-type"}
PLAIN_JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})


class Seen(NamedTuple):
    """What the headers of a request say that matter here; empty for what is not there."""

    etag: str
    accept: bytes
    authorization: bytes
    is_plain_json: bool


class Viewers:
    """Of the tokens that were good within the last second; a token is asked about once, however many wait."""

    def __init__(self, viewer_of: ViewerOf) -> None:
        self._viewer_of = viewer_of
        self._known = Bounded[bytes, tuple[float, Viewer]](MOST_VIEWERS)
        self._asking: dict[bytes, asyncio.Task[Viewer]] = {}

    async def of(self, authorization: bytes) -> Viewer:
        """Raises Unauthenticated, and what asking the database raises."""
        if not authorization:
            return ANONYMOUS
        known = self._known.get(authorization)
        if known is not None and time.monotonic() - known[0] <= VIEWER_FOR_S:
            return known[1]
        if authorization not in self._asking:
            self._asking[authorization] = asyncio.create_task(self._asked(authorization))
            self._asking[authorization].add_done_callback(lambda task: self._answered(authorization, task))
        return await asyncio.shield(self._asking[authorization])

    async def _asked(self, authorization: bytes) -> Viewer:
        began = time.monotonic()
        viewer = await self._viewer_of(token_in([authorization.decode("latin-1")]))
        self._known.put(authorization, (began, viewer))
        return viewer

    def _answered(self, authorization: bytes, task: "asyncio.Task[Viewer]") -> None:
        del self._asking[authorization]
        # Read here, an error is not logged as "never retrieved" when all who waited have gone.
        _ = task.cancelled() or task.exception()


class Unchanged:
    """Pure ASGI, in front of everything else."""

    def __init__(self, app: ASGIApp, endpoint: GraphQLEndpoint, answers: Answers, viewers: Viewers) -> None:
        self.app, self.endpoint, self.answers, self.viewers = app, endpoint, answers, viewers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in PATHS:
            if scope["method"] == "GET":
                seen = seen_in(scope)
                if seen is not None and seen.etag:
                    viewer = await self._unchanged_for(scope, seen)
                    if viewer is not None:
                        self.endpoint.meters.outcomes["not_modified"] += 1
                        await send(not_modified(scope, seen.etag, viewer))
                        await send({"type": "http.response.body", "body": b""})
                        return
                if seen is not None and b"text" not in seen.accept.lower():
                    # A browser that opens the address names a text.
                    await self.endpoint(scope, receive, send)
                    return
            elif scope["method"] == "POST":
                seen = seen_in(scope)
                if seen is not None and seen.is_plain_json:
                    await self._posted(seen, scope, receive, send)
                    return
        await self.app(scope, receive, send)

    async def _unchanged_for(self, scope: Scope, seen: Seen) -> Viewer | None:
        """The viewer, if the answer of this ETag is the one that would be given now."""
        kept = self.answers.known(seen.etag)
        if kept is None or kept.digest != self.answers.questions.get(scope["query_string"], seen.accept):
            return None
        try:
            viewer = await self.viewers.of(seen.authorization)
            if is_same(kept.version.viewer, viewer) and await self.answers.versions.is_unchanged(kept.version):
                return viewer
        except Exception as fault:  # noqa: BLE001 - the endpoint meets it again, and answers it.
            log.debug("A conditional request was passed on: %s", type(fault).__name__)
        return None

    async def _posted(self, seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        """A body that is kept, or whatever the endpoint says, which then reads the same first message."""
        try:
            async with asyncio.timeout(FIRST_WITHIN_S):
                message = await receive()
        except TimeoutError:
            await self.app(scope, receive, send)
            return
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")
            found = await self._kept_for(body, seen)
            if found is not None:
                self.endpoint.meters.outcomes["repeated"] += 1
                await send(repeated(scope, found))
                await send({"type": "http.response.body", "body": found.body})
                return
            if len(body) <= MAX_BYTES:

                async def read() -> bytes:
                    return body

                await self.endpoint.answer(Heard.of(scope), read, send)
                return
        first: list[Message] = [message]

        async def again() -> Message:
            return first.pop() if first else await receive()

        await self.app(scope, again, send)

    async def _kept_for(self, body: bytes, seen: Seen) -> Body | None:
        digest = self.answers.posted.get(body, seen.accept)
        if digest is None:
            return None
        try:
            found = await self.answers.body(Question(digest, await self.viewers.of(seen.authorization)))
        except Exception as fault:  # noqa: BLE001 - as above.
            log.debug("A request was passed on: %s", type(fault).__name__)
            return None
        # Longer ones may have to be compressed.
        return found if found is not None and len(found.body) < GZIP_FROM_BYTES and not found.is_packed else None


def seen_in(scope: Scope) -> Seen | None:
    """None for what needs a closer look: headers that come twice, are empty, or ask for more."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in LOOKED_AT:
            if name in found or name in ASK_FOR_MORE or not value:
                return None
            found[name] = value
    etag, accept = found.get(b"if-none-match", b"").decode("latin-1"), found.get(b"accept", b"")
    return Seen(etag, accept, found.get(b"authorization", b""), found.get(b"content-type", b"").lower() in PLAIN_JSON)


def not_modified(scope: Scope, etag: str, viewer: Viewer) -> MutableMapping[str, Any]:
    headers = [
        (b"etag", etag.encode("latin-1")),
        *of_answer(is_anonymous=viewer.is_anonymous),
        *SAFE,
        (b"x-request-id", new_or_given(scope).encode()),
    ]
    return {"type": "http.response.start", "status": 304, "headers": headers}


def repeated(scope: Scope, found: Body) -> MutableMapping[str, Any]:
    headers = [
        (b"content-type", f"{found.media_type}; charset=utf-8".encode()),
        (b"content-length", str(len(found.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"vary", VARY.encode()),
        *SAFE,
        (b"x-request-id", new_or_given(scope).encode()),
    ]
    return {"type": "http.response.start", "status": 200, "headers": headers}
