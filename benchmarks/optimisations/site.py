"""The service in this process, asked as uvicorn asks it, without a socket."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest.mock import patch

import orjson
from starlette.applications import Starlette

from benchmarks.optimisations.cases import Side
from feed_service.app import create_app
from feed_service.database import ReadDatabase
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.schema.context import Context
from feed_service.settings import Settings
from feed_service.viewer import ANONYMOUS, Viewer


class Question(NamedTuple):
    """A request as it comes by POST; without a token nobody is signed in."""

    token: str
    body: bytes


@dataclass(frozen=True)
class Site:
    """The service in this process, asked as uvicorn asks it, without a socket."""

    app: Starlette
    endpoint: GraphQLEndpoint
    database: ReadDatabase

    def side(self, questions: Sequence[Question], *changes: Callable[[], AbstractContextManager[Any]]) -> Side:
        """Asks these, each time under the changes."""

        @asynccontextmanager
        async def within() -> AsyncIterator[None]:
            with ExitStack() as stack:
                for change in changes:
                    stack.enter_context(change())
                yield

        return Side(lambda turn: self.answer(questions[turn % len(questions)]), within)

    async def answer(self, question: Question) -> bytes:
        """The body. Raises SystemExit if the status is not 200."""
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": question.body, "more_body": False}

        async def send(message: Any) -> None:  # noqa: ANN401 - of ASGI.
            told.append(message)

        await self.app(scope_of(question), receive, send)
        if told[0]["status"] != 200:
            raise SystemExit(f"The service answers {told[0]['status']}: {told[1:]}")
        return b"".join(message.get("body", b"") for message in told[1:])

    def dressed(self, change: Callable[[Context], None]) -> AbstractContextManager[Any]:
        """In its block, every context of a request is changed so before it is used."""
        made = self.endpoint.context_of

        def context_of(viewer: Viewer, request_id: str) -> object:
            context = made(viewer, request_id)
            assert isinstance(context, Context)  # noqa: S101 - the application's own.
            change(context)
            return context

        return patch.object(self.endpoint, "context_of", context_of)


def scope_of(question: Question) -> dict[str, Any]:
    headers = [
        (b"host", b"127.0.0.1"),
        (b"accept", b"application/graphql-response+json"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(question.body)).encode()),
    ]
    if question.token:
        headers.append((b"authorization", f"Bearer {question.token}".encode()))
    where = {"scheme": "http", "path": "/graphql", "raw_path": b"/graphql", "query_string": b"", "root_path": ""}
    ends = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    return (
        {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST"}
        | where
        | ends
        | {"headers": headers}
    )


@asynccontextmanager
async def site_on(environment: Mapping[str, str], *, has_caches: bool) -> AsyncIterator[Site]:
    """As `feed-service serve` puts it together; without caches, every request asks PostgreSQL for everything."""
    settings = Settings.from_environment({**environment, "FEED_ENTITY_CACHE": "on" if has_caches else "off"})
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        kwargs = [middleware.kwargs for middleware in app.user_middleware]
        endpoint = next(given["endpoint"] for given in kwargs if "endpoint" in given)
        assert isinstance(endpoint, GraphQLEndpoint)  # noqa: S101 - the middleware asks for one.
        context = endpoint.context_of(ANONYMOUS, "report")
        assert isinstance(context, Context)  # noqa: S101 - the application's own.
        site = Site(app, endpoint, context.loaders.reader.database)
        if has_caches:
            yield site
        else:
            with patch.object(endpoint, "answers", None), site.dressed(pass_over_caches):
                yield site


def pass_over_caches(context: Context) -> None:
    context.loaders.reader.reads.is_fresh = True


def data_of(body: bytes) -> Any:  # noqa: ANN401 - JSON.
    """What a body shows, to be compared. Raises SystemExit for errors."""
    found = orjson.loads(body)
    if found.get("errors") or not found.get("data"):
        raise SystemExit(f"The service does not answer: {found}")
    return found["data"]
