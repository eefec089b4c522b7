"""The requests of `make bench-polling`: what pollers send, and the people who send it."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import asyncpg
import orjson

from benchmarks.load import Poller
from feed_service.accounts.tokens import Bearer, mint
from feed_service.app import signing_keys
from feed_service.settings import Settings

POSTS = "edges { position node { id title publishedAt author { id username displayName } } } pageInfo { endCursor }"
NUMBERED = POSTS.replace("} } }", "} stats { likeCount commentCount } } }")

FEED = f"query Poll {{ feed(kind: HOME, first: 20) {{ {POSTS} }} }}"
NUMBERED_FEED = f"query Poll {{ feed(kind: HOME, first: 20) {{ {NUMBERED} }} }}"
HEAD = """query Head($since: SyncToken) {
    feedHead(kind: HOME, since: $since) { newCount { value isCapped } newAuthors { username } token pollAfterSeconds }
}"""
POPULAR = """query Popular($filter: FeedFilter) { feed(kind: POPULAR, first: 20, filter: $filter) {
    edges { node { id title publishedAt author { id username displayName } stats { likeCount commentCount } } } } }"""
LIVE_RANKING: dict[str, object] = {"filter": {"window": "ALL"}}
"""With a filter, posts are ranked anew for each request; this one lets all pass."""

UNCACHED = {"AIOCACHE_DISABLE": "1", "PORT": "0"}

LIVE = """
    SELECT follower_id FROM user_follows JOIN users ON users.id = follower_id
    WHERE deleted_at IS NULL AND suspended_at IS NULL GROUP BY follower_id HAVING count(*) >= 10
    ORDER BY md5(follower_id::text) LIMIT $1
"""


async def access_tokens(url: str, folder: Path, size: int) -> list[str]:
    """Of people who follow ten others or more, the same each time. The service has its keys in `folder`."""
    connection = await asyncpg.connect(url)
    people = [row["follower_id"] for row in await connection.fetch(LIVE, size)]
    await connection.close()
    keys = signing_keys(Settings.from_environment({"FEED_DATA_DIR": str(folder), "DATABASE_URL": url}))
    now, lifetime = datetime.now(UTC), timedelta(hours=12)
    return [mint(keys, Bearer(user_id), lifetime=lifetime, now=now) for user_id in people]


def bare() -> list[Poller]:
    return [Poller(head("GET", "/graphql"))]


def persisted(document: str, tokens: Sequence[str], *, names_text: bool = False) -> list[Poller]:
    """GET of a persisted document, as Apollo Client sends it; with its text for the first time, to register it."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(document.encode()).hexdigest()}}
    address = f"/graphql?extensions={quote(orjson.dumps(extensions))}"
    if names_text:
        address += f"&query={quote(document)}"
    return [Poller(head("GET", address, token)) for token in tokens]


def posted(document: str, tokens: Sequence[str], variables: Sequence[dict[str, object]]) -> list[Poller]:
    return [
        Poller(head("POST", "/graphql", token), orjson.dumps({"query": document, "variables": given}).decode())
        for token, given in zip(tokens, variables, strict=True)
    ]


def head(method: str, address: str, token: str = "") -> str:
    lines = [f"{method} {address} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/graphql-response+json"]
    if method == "POST":
        lines.append("Content-Type: application/json")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "".join(f"{line}\r\n" for line in lines)
