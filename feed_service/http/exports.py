"""`/export/me` and `/export/tables/…`: NDJSON, streamed as fast as the client takes it; `docs/exports.md`."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from feed_service.errors import BadUserInput, Forbidden, Unauthenticated
from feed_service.execution.faults import revealed
from feed_service.exports.own_data import own_data
from feed_service.exports.source import Source
from feed_service.exports.stream import TIME_LIMIT_S, ExportDatabase
from feed_service.exports.tables import table
from feed_service.http.bearer import ViewerOf, viewer_of_request
from feed_service.http.negotiation import JSON, NDJSON
from feed_service.http.refusals import OnlyGet
from feed_service.http.responses import refused, request_id
from feed_service.viewer import Role, Viewer

log = logging.getLogger(__name__)

SEND_WITHIN_S = 30.0
"""For some kilobytes: a client that takes longer has gone, and holds a snapshot open."""

RETRY_AFTER_S = "30"

SourceOf = Callable[[Request, Viewer], Source]


def of_oneself(_request: Request, viewer: Viewer) -> Source:
    if viewer.user_id is None:
        raise Unauthenticated("Sign in to export your data.")
    return own_data(viewer.user_id)


def of_table(request: Request, viewer: Viewer) -> Source:
    """Who may not export tables does not learn which there are."""
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in as an admin to export tables.")
    if viewer.role is not Role.ADMIN:
        raise Forbidden("Only admins export tables.")
    return table(request.path_params["table"])


def routes(viewer_of: ViewerOf, exports: ExportDatabase) -> list[Route]:
    return [
        Route("/export/me", ExportEndpoint(of_oneself, viewer_of, exports)),
        Route("/export/tables/{table}", ExportEndpoint(of_table, viewer_of, exports)),
    ]


class ExportEndpoint:
    """An ASGI application for one path; it takes every method. What `source_of` a request gives is exported."""

    def __init__(
        self,
        source_of: SourceOf,
        viewer_of: ViewerOf,
        exports: ExportDatabase,
        *,
        send_within_s: float = SEND_WITHIN_S,
    ) -> None:
        self.source_of = source_of
        self.viewer_of = viewer_of
        self.exports = exports
        self.send_within_s = send_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(self._answer(Request(scope, receive), Download(send, self.send_within_s)), receive)

    async def _answer(self, request: Request, download: "Download") -> None:
        """After its first line, an export that fails breaks off: the connection is closed, and there is no trailer."""
        try:
            async with asyncio.timeout(TIME_LIMIT_S):
                await self._export(request, download)
        except Exception as fault:  # noqa: BLE001 - the one place where what nobody foresaw is logged and masked.
            if isinstance(fault, TimeoutError):
                log.info("request %s: the client reads too slowly", request_id(request))
                return
            refusal = revealed(fault, request_id(request))
            if download.has_begun:
                log.warning("request %s: the export broke off: %s", request_id(request), refusal.code)
                return
            response = refused(request, refusal, JSON)
            if response.status_code in {429, 503}:
                response.headers["Retry-After"] = RETRY_AFTER_S
            await response(request.scope, request.receive, download.send)

    async def _export(self, request: Request, download: "Download") -> None:
        if request.method != "GET":
            raise OnlyGet("Exports are fetched by GET.")
        viewer = await viewer_of_request(request, self.viewer_of)
        source = self.source_of(request, viewer)
        download.name = source.name
        await self.exports.export(source, download, after=after_of(request), user_id=viewer.user_id)
        await download.end()


class Download:
    """A body of lines. Its head is sent with the first of them: until then the answer can be another one."""

    def __init__(self, send: Send, send_within_s: float) -> None:
        self.send = send
        self.send_within_s = send_within_s
        self.name = ""
        self.has_begun = False

    async def __call__(self, lines: bytes) -> None:
        if not self.has_begun:
            self.has_begun = True
            await self.send(self._head())
        await self._body(lines, more_body=True)

    async def end(self) -> None:
        await self._body(b"", more_body=False)

    def _head(self) -> Message:
        headers = [
            (b"content-type", NDJSON.encode()),
            (b"content-disposition", f'attachment; filename="{self.name}.ndjson"'.encode()),
            (b"vary", b"Authorization"),
        ]
        return {"type": "http.response.start", "status": 200, "headers": headers}

    async def _body(self, lines: bytes, *, more_body: bool) -> None:
        async with asyncio.timeout(self.send_within_s):
            await self.send({"type": "http.response.body", "body": lines, "more_body": more_body})


def after_of(request: Request) -> str | None:
    given = request.query_params.multi_items()
    if not given:
        return None
    if len(given) > 1 or given[0][0] != "after":
        raise BadUserInput("The only parameter of an export is `after`, given once.")
    return given[0][1]


async def while_connected(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Do the work, and stop at once when the client goes away: the server itself would let it run on."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(departure(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
