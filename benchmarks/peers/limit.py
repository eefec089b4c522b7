"""The yardstick LIMIT: one hand-written statement that makes the JSON, behind bare Starlette; no GraphQL.

`GET /feed`, `/post?id=…` and `/popular`, with the local id of the viewer in the header X-Viewer. POPULAR starts from a
ranking that is read once a minute, as the service's does.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers.python_server import GENERIC_PLANS, SERVER_SETTINGS, database_url, serve

STATEMENTS = {path.stem: path.read_text() for path in (Path(__file__).parent / "sql").glob("*.sql")}
CONNECTIONS = 10
RANKING_TTL_S = 60
PAGE = 21
JSON = {"content-type": "application/json"}


class Lanes:
    """Connections with everything prepared. Whoever comes waits for the one that was given back last."""

    def __init__(self) -> None:
        self.free: asyncio.LifoQueue[dict[str, Any]] = asyncio.LifoQueue()
        self.opened: list[Any] = []

    async def open(self, url: str) -> None:
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(url, server_settings={**SERVER_SETTINGS, **GENERIC_PLANS})
            # Text comes as the bytes that PostgreSQL sends: the response needs no string.
            await connection.set_type_codec("text", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes)
            self.opened.append(connection)
            self.free.put_nowait({name: await connection.prepare(text) for name, text in STATEMENTS.items()})

    async def row(self, name: str, *values: object) -> Any:  # noqa: ANN401 - asyncpg has no types.
        lane = await self.free.get()
        try:
            return await lane[name].fetchrow(*values)
        finally:
            self.free.put_nowait(lane)

    async def close(self) -> None:
        for connection in self.opened:
            await connection.close()


class Ranking:
    """Ids of the best posts, best first, at most a minute old."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.read_at = -float(RANKING_TTL_S)

    async def current(self, lanes: Lanes) -> list[int]:
        if time.monotonic() - self.read_at >= RANKING_TTL_S:
            self.read_at = time.monotonic()
            (self.ids,) = await lanes.row("ranking")
        return self.ids


def viewer_of(request: Request) -> int | None:
    given = request.headers.get("x-viewer")
    return int(given) if given else None


async def feed(request: Request) -> Response:
    (body,) = await request.app.state.lanes.row("feed", viewer_of(request))
    return Response(body, headers=JSON)


async def post(request: Request) -> Response:
    row = await request.app.state.lanes.row("post", viewer_of(request), int(request.query_params["id"]))
    return Response(row[0] if row else b"null", headers=JSON)


async def popular(request: Request) -> Response:
    """If some of the first places are hidden by now, the whole list is looked through."""
    lanes = request.app.state.lanes
    best = await request.app.state.ranking.current(lanes)
    goes_on, body = await lanes.row("popular", best[:PAGE])
    if not goes_on:
        _, body = await lanes.row("popular", best)
    return Response(body, headers=JSON)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.lanes, app.state.ranking = Lanes(), Ranking()
    await app.state.lanes.open(database_url())
    yield
    await app.state.lanes.close()


ROUTES = [Route("/feed", feed), Route("/post", post), Route("/popular", popular)]

if __name__ == "__main__":
    serve(Starlette(routes=ROUTES, lifespan=lifespan))
