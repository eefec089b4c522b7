"""What is sent back to a GraphQL request: status, headers and body, compressed where that is asked for and worth it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import orjson
from starlette.types import Send

from feed_service.errors import FeedError, Unauthenticated
from feed_service.execution.run import refusal_errors
from feed_service.http.headers import GZIP_FROM_BYTES, SAFE, VARY
from feed_service.http.negotiation import GRAPHQL, JSON
from feed_service.http.packing import packed, unpacked
from feed_service.http.refusals import HttpRefusal

log = logging.getLogger(__name__)

RETRY_AFTER_S = "2"
"""As long as a request waits for a connection before it is refused."""

Headers = tuple[tuple[bytes, bytes], ...]

CONTENT_TYPES = {media_type: f"{media_type}; charset=utf-8".encode() for media_type in (GRAPHQL, JSON)}
NOT_STORED: Headers = ((b"cache-control", b"no-store"), (b"vary", VARY.encode()))


async def nothing_more() -> None:
    """What there is to do after most answers."""


@dataclass(slots=True)
class Reply:
    """An answer of GraphQL. `headers` are beside its type, its length and those that all answers carry.

    `is_packed`: the body is what gzip makes of it.
    """

    body: bytes
    media_type: str
    status: int = 200
    headers: Headers = NOT_STORED
    afterwards: Callable[[], Awaitable[None]] = field(default=nothing_more)
    is_packed: bool = False

    async def send(self, send: Send, request_id: str, *, takes_gzip: bool) -> None:
        body, is_packed = self.body, self.is_packed
        if is_packed and not takes_gzip:
            body, is_packed = unpacked(body), False
        elif takes_gzip and not is_packed and len(body) >= GZIP_FROM_BYTES:
            body, is_packed = await packed(body), True
        await send({"type": "http.response.start", "status": self.status, "headers": [
            *self._of_body(len(body), is_packed=is_packed), *self.headers, *SAFE, (b"x-request-id", request_id.encode())
        ]})  # fmt: skip
        await send({"type": "http.response.body", "body": body})
        if self.afterwards is not nothing_more:
            await self.afterwards()

    def _of_body(self, length: int, *, is_packed: bool) -> Headers:
        if self.status == 304:
            return ()
        found = ((b"content-type", CONTENT_TYPES[self.media_type]), (b"content-length", b"%d" % length))
        return (*found, (b"content-encoding", b"gzip")) if is_packed else found


def refused(request_id: str, refusal: FeedError, media_type: str, *, is_graphql: bool = False) -> Reply:
    """A request that was not executed. Older clients expect 200 for whatever lies in the GraphQL they sent."""
    log.info("request %s: %s", request_id, refusal.code)
    is_legacy_ok = is_graphql and media_type == JSON and refusal.http_status < 500
    status = 200 if is_legacy_ok else refusal.http_status
    further: Mapping[str, str] = refusal.headers if isinstance(refusal, HttpRefusal) else {}
    if isinstance(refusal, Unauthenticated):
        further = {"www-authenticate": "Bearer", **further}
    if status == 503:
        further = {"retry-after": RETRY_AFTER_S, **further}
    headers = tuple((name.lower().encode(), value.encode()) for name, value in further.items())
    body = orjson.dumps({"errors": refusal_errors(refusal, request_id)})
    return Reply(body, media_type, status, (*NOT_STORED, *headers))
