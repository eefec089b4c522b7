"""Two services, as two processes are, on one database and one cache, and people who ask them."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from redis.asyncio import Redis

from feed_service import models
from feed_service.accounts import tokens
from feed_service.app import create_app, signing_keys
from feed_service.settings import Settings
from tests.http.server import serving

MOVING = frozenset({"asOf", "expiresAt", "pollAfterSeconds", "token", "nextToken", "syncToken"})
"""Members that tell of the answer, not of what was asked for."""


@dataclass(frozen=True)
class Document:
    text: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


class Pair:
    def __init__(self, urls: list[str], settings: Settings, client: httpx2.AsyncClient) -> None:
        self.urls, self.client = urls, client
        self._settings, self._tokens = settings, dict[int, str]()

    def headers(self, who: models.User | None, **further: str) -> dict[str, Any]:
        found = {"Accept": "application/json"} | {name.replace("_", "-"): value for name, value in further.items()}
        if who is None:
            return found
        if who.id not in self._tokens:
            now, keys = datetime.now(UTC), signing_keys(self._settings)
            self._tokens[who.id] = tokens.mint(keys, tokens.Bearer(who.id), lifetime=timedelta(hours=1), now=now)
        return found | {"Authorization": f"Bearer {self._tokens[who.id]}"}

    async def get(
        self, at: int, document: Document, who: models.User | None, *, etag: str = "", **headers: str
    ) -> httpx2.Response:
        """By hash, with the document where it is not known yet."""
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": document.sha256}}
        asked = {"extensions": json.dumps(extensions), "variables": json.dumps(dict(document.variables))}
        sent = self.headers(who, **headers) | ({"If-None-Match": etag.encode("latin-1")} if etag else {})
        answer = await self.client.get(f"{self.urls[at]}/graphql", params=asked, headers=sent)
        if answer.status_code == 200 and "PERSISTED_QUERY_NOT_FOUND" in answer.text:
            return await self.client.get(
                f"{self.urls[at]}/graphql", params=asked | {"query": document.text}, headers=sent
            )
        return answer

    async def post(
        self,
        at: int,
        text: str,
        who: models.User | None = None,
        headers: Mapping[str, str] | None = None,
        **variables: Any,  # noqa: ANN401 - JSON.
    ) -> Any:  # noqa: ANN401 - JSON.
        """The data of an answer without errors."""
        sent = self.headers(who) | dict(headers or {})
        body = {"query": text, "variables": variables}
        answer = (await self.client.post(f"{self.urls[at]}/graphql", json=body, headers=sent)).json()
        assert "errors" not in answer, answer
        return answer["data"]


@asynccontextmanager
async def pair_on(database_url: str, folder: Path, cache_url: str, **environment: str) -> AsyncIterator[Pair]:
    variables = {"DATABASE_URL": database_url, "FEED_DATA_DIR": str(folder), "FEED_JOBS": "off"}
    settings = Settings.from_environment(variables | {"CACHE_URL": cache_url} | environment)
    if cache_url.startswith("redis"):
        async with Redis.from_url(cache_url) as redis:
            await redis.flushall()
    with ExitStack() as servers:
        urls = [servers.enter_context(serving(create_app(settings))) for _ in range(2)]
        async with httpx2.AsyncClient(timeout=20) as client:
            yield Pair(urls, settings, client)
            await asyncio.sleep(0)


def still(value: Any) -> Any:  # noqa: ANN401 - JSON.
    """An answer without what tells of the answer itself."""
    if isinstance(value, dict):
        return {name: still(member) for name, member in value.items() if name not in MOVING}
    return [still(member) for member in value] if isinstance(value, list) else value
