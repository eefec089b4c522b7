"""What every answer carries: the id of its request, and headers that keep browsers and caches from guessing."""

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
"""What is taken over from a client or proxy: it is written to the log, and must not be able to forge a line."""

DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

SAFE = tuple((name.lower().encode(), value.encode()) for name, value in DEFAULTS.items() if name != "Cache-Control")

GZIP_FROM_BYTES = 1_000
GZIP_LEVEL = 5
"""Level 9 takes three times as long for 1 % fewer bytes (GraphiQL, 1 MB, 2026-11-21)."""

THREAD_FROM_BYTES = 12_000
"""What is longer is compressed in a thread. To hand it over takes the loop 80 µs; to compress 8 kB takes 57, 16 kB
150, and a feed of 47 kB 440 (2026-11-21)."""

VARY = "Authorization, Accept, Accept-Encoding"
VARY_TWICE = "Accept-Encoding, Accept-Encoding"
"""Starlette names it once more where it compresses."""

PRIVATE = "private, no-cache"
PUBLIC = "public, max-age=0, s-maxage=2"
"""Shared caches may answer for the service for two seconds; no browser does without asking."""

OF_VIEWERS = ((b"cache-control", PRIVATE.encode()), (b"vary", VARY.encode()))
OF_EVERYBODY = ((b"cache-control", PUBLIC.encode()), (b"vary", VARY.encode()))


def of_answer(*, is_anonymous: bool) -> tuple[tuple[bytes, bytes], ...]:
    """What a query by GET carries beside its ETag, the same on 200 and 304."""
    return OF_EVERYBODY if is_anonymous else OF_VIEWERS


class SafeHeaders:
    """Pure ASGI. The request id is in `scope["state"]["request_id"]` for everything below."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_or_given(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in DEFAULTS.items():
                    headers.setdefault(name, value)
                if VARY_TWICE in headers.get("vary", ""):
                    headers["Vary"] = VARY
            await send(message)

        await self.app(
            {**scope, "state": {**scope.get("state", {}), "request_id": request_id}}, receive, send_with_headers
        )


def new_or_given(scope: Scope) -> str:
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
