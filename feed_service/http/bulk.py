"""`/bulk/…`: lines of NDJSON that an admin has done, and what became of them; `docs/bulk.md`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from feed_service.commands.bulk import uploads
from feed_service.commands.bulk.kinds import kind_named
from feed_service.commands.bulk.receiving import receive
from feed_service.commands.transaction import Writer
from feed_service.database import ReadDatabase
from feed_service.errors import BadUserInput, Forbidden, NotFound, Overloaded, Unauthenticated
from feed_service.execution.faults import revealed
from feed_service.exports.engagement import engagement
from feed_service.exports.source import Source
from feed_service.exports.stream import ExportDatabase
from feed_service.http.bearer import ViewerOf, viewer_of_request
from feed_service.http.exports import ExportEndpoint
from feed_service.http.negotiation import JSON, NDJSON
from feed_service.http.refusals import BodyTooLarge, BodyTooSlow, UnsupportedMediaType
from feed_service.http.responses import json_response, refused, request_id
from feed_service.queries import bulk as queries
from feed_service.transactions import WriteDatabase
from feed_service.viewer import Role, Viewer

MAX_BYTES = 500_000_000
READ_WITHIN_S = 30.0
"""For some kilobytes."""

AT_ONCE = 4
"""Uploads of a process; the others are told to come again."""

RETRY_AFTER_S = "30"
MOST_IN_KEY = 200

MEDIA_TYPES = {NDJSON, "application/ndjson", "application/jsonl", "application/json-lines"}

WITH_ID = queries.with_id()
OUTCOMES = queries.outcomes()

Handler = Callable[[Request, Viewer], Awaitable[Response]]


def routes(
    viewer_of: ViewerOf, database: ReadDatabase, writing: WriteDatabase, exporting: ExportDatabase
) -> list[Route]:
    bulks = BulkEndpoints(viewer_of, database, writing, asyncio.Semaphore(AT_ONCE))
    analysis = ExportEndpoint(engagement_of, viewer_of, exporting)
    return [Route("/bulk/engagement", analysis), Route("/bulk/engagement/{users}", analysis), *bulks.routes()]


def engagement_of(request: Request, viewer: Viewer) -> Source:
    """Of everybody, or of those named in the path, with commas between them."""
    admin(viewer)
    users = request.path_params.get("users")
    return engagement(None if users is None else users.split(","))


@dataclass(frozen=True)
class BulkEndpoints:
    """`max_bytes` of an upload; tests have less patience."""

    viewer_of: ViewerOf
    database: ReadDatabase
    writing: WriteDatabase
    turns: asyncio.Semaphore
    max_bytes: int = MAX_BYTES
    read_within_s: float = READ_WITHIN_S

    def routes(self) -> list[Route]:
        return [
            Route("/bulk/jobs/{id}", self.for_admins(self.told), methods=["GET"]),
            Route("/bulk/jobs/{id}/outcomes", self.for_admins(self.outcomes), methods=["GET"]),
            Route("/bulk/jobs/{id}/cancel", self.for_admins(self.cancelled), methods=["POST"]),
            Route("/bulk/jobs/{id}/undo", self.for_admins(self.undone), methods=["POST"]),
            Route("/bulk/{kind}", self.for_admins(self.received), methods=["POST"]),
        ]

    def for_admins(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Who is none learns neither which kinds nor which bulks there are."""

        async def endpoint(request: Request) -> Response:
            try:
                return await handler(request, admin(await viewer_of_request(request, self.viewer_of)))
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as fault:  # noqa: BLE001 - the one place where what nobody foresaw is logged and masked.
                response = refused(request, revealed(fault, request_id(request)), JSON)
                if response.status_code in {429, 503}:
                    response.headers["Retry-After"] = RETRY_AFTER_S
                return response

        return endpoint

    async def received(self, request: Request, viewer: Viewer) -> Response:
        kind, is_dry_run, key = kind_named(request.path_params["kind"]), dry_run_of(request), key_of(request)
        check_media_type(request)
        if self.turns.locked():
            raise Overloaded("Other bulks are being received. Please try again in a while.")
        async with self.turns:
            bulk_id = await receive(
                self.writer(request, viewer), kind, self.pieces(request), is_dry_run=is_dry_run, key=key
            )
        return await self.answer(bulk_id, 202)

    async def told(self, request: Request, _viewer: Viewer) -> Response:
        parameters_of(request)
        return await self.answer(id_of(request))

    async def cancelled(self, request: Request, viewer: Viewer) -> Response:
        parameters_of(request)
        await self.writer(request, viewer).run(uploads.cancel, id_of(request))
        return await self.answer(id_of(request))

    async def undone(self, request: Request, viewer: Viewer) -> Response:
        writer, is_dry_run = self.writer(request, viewer), dry_run_of(request)
        return await self.answer(await writer.run(uploads.undo, id_of(request), is_dry_run=is_dry_run), 202)

    async def outcomes(self, request: Request, _viewer: Viewer) -> Response:
        """Those of the chunks that are done by now."""
        bulk_id, after = id_of(request), number_of(parameters_of(request, "after").get("after", "0"))
        if (await self.row(bulk_id)).forgotten_at is not None:
            raise NotFound("The outcomes of this bulk are not kept any more.")
        headers = {"Content-Disposition": f'attachment; filename="bulk-{bulk_id}.ndjson"', "Vary": "Authorization"}
        return StreamingResponse(self.lines(bulk_id, after), headers=headers, media_type=NDJSON)

    async def lines(self, bulk_id: int, after: int) -> AsyncIterator[bytes]:
        following = 0
        while found := await self.database.rows(OUTCOMES, {"bulk_id": bulk_id, "number": following, "after": after}):
            [(number, first_line, outcomes)] = found
            yield outcomes if first_line > after else behind(outcomes, after)
            following = number + 1

    async def answer(self, bulk_id: int, status: int = 200) -> Response:
        response = json_response(orjson.dumps(told(await self.row(bulk_id))), JSON, status)
        response.headers["Location"] = f"/bulk/jobs/{bulk_id}"
        return response

    async def row(self, bulk_id: int) -> Any:  # noqa: ANN401 - a row.
        found = await self.database.rows(WITH_ID, {"bulk_id": bulk_id})
        if not found:
            raise NotFound("There is no such bulk.")
        return found[0]

    def writer(self, request: Request, viewer: Viewer) -> Writer:
        return Writer(self.writing, viewer, request_id(request))

    async def pieces(self, request: Request) -> AsyncIterator[bytes]:
        """The body. Raises BodyTooLarge and BodyTooSlow."""
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self.max_bytes:
            raise self.too_large()
        size, stream = 0, aiter(request.stream())
        while True:
            try:
                async with asyncio.timeout(self.read_within_s):
                    piece = await anext(stream)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise BodyTooSlow("The body of the request did not arrive in time.") from None
            size += len(piece)
            if size > self.max_bytes:
                raise self.too_large()
            yield piece

    def too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"A bulk may have up to {self.max_bytes:,} bytes.")


def admin(viewer: Viewer) -> Viewer:
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in as an admin to have bulks done.")
    if viewer.role is not Role.ADMIN:
        raise Forbidden("Only admins have bulks done.")
    return viewer


def parameters_of(request: Request, *known: str) -> dict[str, str]:
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    if len(set(names)) < len(names) or not set(names) <= set(known):
        allowed = ", ".join(f"`{name}`" for name in known) or "none"
        raise BadUserInput(f"The parameters here are {allowed}, each given once.")
    return dict(given)


def dry_run_of(request: Request) -> bool:
    given = parameters_of(request, "dryRun").get("dryRun", "false")
    if given not in {"true", "false"}:
        raise BadUserInput("`dryRun` is true or false.")
    return given == "true"


def key_of(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= MOST_IN_KEY and key.isascii() and key.isprintable()):
        raise BadUserInput(f"An Idempotency-Key has 1 to {MOST_IN_KEY} printable ASCII characters.")
    return key


def check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise UnsupportedMediaType(f"The body must be {NDJSON}: one JSON object a line, in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.")


def id_of(request: Request) -> int:
    given = request.path_params["id"]
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise NotFound("There is no such bulk.")
    return int(given)


def number_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadUserInput("`after` is the number of a line.")
    return int(text)


def behind(outcomes: bytes, after: int) -> bytes:
    """The lines about lines after that one."""
    kept = (line for line in outcomes.splitlines(keepends=True) if orjson.loads(line)["line"] > after)
    return b"".join(kept)


def told(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row.
    def moment(at: datetime | None) -> str | None:
        return None if at is None else at.isoformat()

    return {
        "id": row.id, "kind": row.kind, "dryRun": row.is_dry_run, "state": row.state, "bytes": row.byte_count,
        "lines": row.line_count, "linesDone": row.done_line_count, "outcomes": row.counts.get("outcomes", {}),
        "refusals": row.counts.get("refusals", {}), "createdAt": moment(row.created_at),
        "finishedAt": moment(row.finished_at), "error": row.error,
    }  # fmt: skip
