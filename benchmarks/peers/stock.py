"""The peer `stock`: Strawberry as its documentation shows it, with the ORM and DataLoaders, and nothing tuned.

Strawberry's own executor and ASGI application run the part of the service's schema that the operations of the benchmark
ask for. The viewer is the local id in the header X-Viewer.
"""

from typing import Any

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from benchmarks.peers.python_server import SERVER_SETTINGS, database_url, serve
from benchmarks.peers.stock_feeds import Query
from benchmarks.peers.stock_loaders import Loaders, Reads
from feed_service.viewer import Viewer


class Application(GraphQL[dict[str, Any], None]):
    """Strawberry's own, with what resolvers need in the context of each request."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        super().__init__(strawberry.Schema(query=Query))
        self.sessions = sessions

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        given = request.headers.get("x-viewer")
        viewer = Viewer(int(given) if given else None)
        loading, reads = Loaders(self.sessions, viewer), Reads(self.sessions, viewer)
        return {"request": request, "response": response, "viewer": viewer, "loaders": loading, "reads": reads}


def create_app() -> Starlette:
    url = database_url().replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url, connect_args={"server_settings": SERVER_SETTINGS})
    app = Starlette()
    graphql = Application(async_sessionmaker(engine, expire_on_commit=False))
    app.add_route("/graphql", graphql)  # type: ignore[arg-type] # As the documentation has it; an application will do.
    return app


if __name__ == "__main__":
    serve(create_app())
