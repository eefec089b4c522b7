"""Mutations as a client sends them, to the whole application in this process, without a network in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette

from feed_service.accounts.tokens import Bearer, mint
from feed_service.app import create_app, signing_keys
from feed_service.schema.ids import encode
from feed_service.settings import Settings

WORDS = "It rises slowly in the cold, and tastes the better for it. " * 8

ACTIVE = "SELECT id FROM users WHERE deleted_at IS NULL AND suspended_at IS NULL ORDER BY md5(id::text) LIMIT $1"
LISTED = """
    SELECT id FROM posts WHERE deleted_at IS NULL AND published_at <= now() AND author_id IN (
        SELECT id FROM users WHERE deleted_at IS NULL AND suspended_at IS NULL
    ) ORDER BY md5(id::text) LIMIT $1
"""


@dataclass(frozen=True)
class Kind:
    """A mutation, its one argument, and what a client asks of the changed object."""

    mutation: str
    argument: str
    shown: str
    weight: int

    def document(self, *, shows: bool) -> str:
        kind = "ID!" if self.argument != "input" else f"{self.mutation[0].upper()}{self.mutation[1:]}Input!"
        selection = f"{self.shown if shows else ''} userErrors {{ code message field }}"
        return f"mutation ($given: {kind}) {{ payload: {self.mutation}({self.argument}: $given) {{ {selection} }} }}"


KINDS = [
    Kind("like", "subjectId", "subject { id likeCount viewerHasLiked }", 8),
    Kind("unlike", "subjectId", "subject { id likeCount viewerHasLiked }", 3),
    Kind("createComment", "input", "comment { id body createdAt author { id username } }", 4),
    Kind("followUser", "id", "user { id username displayName }", 3),
    Kind("unfollowUser", "id", "user { id username displayName }", 1),
    Kind("createPost", "input", "post { id title body publishedAt author { id username } }", 1),
]
"""In this order, so that there is something to take back."""


@dataclass(frozen=True)
class Cast:
    """Who writes, below which post, and whom they follow."""

    user_id: int
    post_id: int
    other_id: int

    def given(self, kind: Kind) -> Any:  # noqa: ANN401 - the argument of a mutation.
        if kind.argument != "input":
            return encode("User", self.other_id) if kind.mutation.endswith("followUser") else self._post
        if kind.mutation == "createComment":
            return {"postId": self._post, "body": WORDS, "idempotencyKey": self._post}
        return {"title": "Bread", "body": WORDS, "tags": ["bread"], "idempotencyKey": self._post}

    @property
    def _post(self) -> str:
        return encode("Post", self.post_id)


@dataclass(frozen=True)
class Mutation:
    """One request, of one viewer."""

    kind: Kind
    user_id: int
    body: bytes


def mutation(kind: Kind, cast: Cast, *, shows: bool) -> Mutation:
    asked = {"query": kind.document(shows=shows), "variables": {"given": cast.given(kind)}}
    return Mutation(kind, cast.user_id, orjson.dumps(asked))


class Client:
    """Speaks to the application as a server does, by ASGI."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        self.app = app
        self.keys = signing_keys(settings)
        self.tokens: dict[int, bytes] = {}

    async def sign_in(self, casts: list[Cast]) -> None:
        """Whoever writes has read something before: their token is known to the service."""
        now, lifetime = datetime.now(UTC), timedelta(hours=12)
        for user_id in (cast.user_id for cast in casts):
            self.tokens[user_id] = mint(self.keys, Bearer(user_id), lifetime=lifetime, now=now).encode()
            await self._answer(user_id, b'{"query": "{ viewer { user { id } } }"}')

    async def send(self, mutation: Mutation) -> None:
        """Raises RuntimeError for anything but success."""
        told = await self._answer(mutation.user_id, mutation.body)
        if "errors" in told or told["data"]["payload"]["userErrors"]:
            raise RuntimeError(f"{mutation.kind.mutation}: {told}")

    async def _answer(self, user_id: int, body: bytes) -> Any:  # noqa: ANN401 - JSON.
        token = self.tokens[user_id]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/graphql", "raw_path": b"/graphql", "query_string": b"", "state": {},
            "headers": [(b"content-type", b"application/json"), (b"authorization", b"Bearer " + token)],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        answer = bytearray()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            answer.extend(message.get("body", b""))

        await self.app(scope, receive, send)  # type: ignore[arg-type]
        return orjson.loads(answer)


@asynccontextmanager
async def client_of(url: str, folder: Path) -> AsyncIterator[Client]:
    settings = Settings.from_environment({"DATABASE_URL": url, "FEED_DATA_DIR": str(folder), "FEED_JOBS": "off"})
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Client(app, settings)


async def casts(url: str, size: int) -> list[Cast]:
    """Random people and posts, the same each time; nobody and nothing is in it twice."""
    connection = await asyncpg.connect(url)
    users, posts = [[row["id"] for row in await connection.fetch(query, size)] for query in (ACTIVE, LISTED)]
    await connection.close()
    return [Cast(*ids) for ids in zip(users, posts, users[1:] + users[:1], strict=True)]
