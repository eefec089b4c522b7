"""The shortest way of a poll that finds nothing: 304, decided before parsing, routing and execution.

It knows only questions that the endpoint has answered in full or refused to answer anew; all else it passes on.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from feed_service.http.answers import Answers, is_same
from feed_service.http.bearer import ViewerOf, token_in
from feed_service.http.headers import SAFE, new_or_given, of_answer
from feed_service.viewer import ANONYMOUS, Viewer

log = logging.getLogger(__name__)

PATHS = frozenset({"/graphql", "/graphql/"})
MOST_VIEWERS = 10_000
VIEWER_FOR_S = 1.0
"""How long a poll that finds nothing takes a token for good; whatever is executed asks the database."""


class Seen(NamedTuple):
    """What the headers of a request say that matter here."""

    etag: str
    accept: bytes
    authorization: bytes


class Viewers:
    """Of the tokens that were good within the last second; a token is asked about once, however many wait."""

    def __init__(self, viewer_of: ViewerOf) -> None:
        self._viewer_of = viewer_of
        self._known: OrderedDict[bytes, tuple[float, Viewer]] = OrderedDict()
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
        self._known.pop(authorization, None)
        self._known[authorization] = (began, viewer)
        if len(self._known) > MOST_VIEWERS:
            self._known.popitem(last=False)
        return viewer

    def _answered(self, authorization: bytes, task: "asyncio.Task[Viewer]") -> None:
        del self._asking[authorization]
        # Read here, an error is not logged as "never retrieved" when all who waited have gone.
        _ = task.cancelled() or task.exception()


class Unchanged:
    """Pure ASGI, in front of everything else."""

    def __init__(self, app: ASGIApp, answers: Answers, viewers: Viewers) -> None:
        self.app, self.answers, self.viewers = app, answers, viewers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in PATHS:
            seen = seen_in(scope)
            if seen is not None:
                viewer = await self._unchanged_for(scope, seen)
                if viewer is not None:
                    await send(not_modified(scope, seen.etag, viewer))
                    await send({"type": "http.response.body", "body": b""})
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


def seen_in(scope: Scope) -> Seen | None:
    """None without exactly one ETag, and for what needs a closer look: headers that come twice, or ask for more."""
    etag = accept = authorization = None
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            if etag is not None:
                return None
            etag = value
        elif name == b"accept":
            if accept is not None:
                return None
            accept = value
        elif name == b"authorization":
            if authorization is not None:
                return None
            authorization = value
            if not value:
                return None
        elif name == b"feed-consistency":
            return None
    return None if etag is None else Seen(etag.decode("latin-1"), accept or b"", authorization or b"")


def not_modified(scope: Scope, etag: str, viewer: Viewer) -> MutableMapping[str, Any]:
    headers = [
        (b"etag", etag.encode("latin-1")),
        *of_answer(is_anonymous=viewer.is_anonymous),
        *SAFE,
        (b"x-request-id", new_or_given(scope).encode()),
    ]
    return {"type": "http.response.start", "status": 304, "headers": headers}
