"""What all optimisations are measured on: one database, the service without caches on it, and who asks for what."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from benchmarks import polls
from benchmarks.asking import LIVE, WORDS, document, tokens_of
from benchmarks.optimisations.site import Question, Site, site_on
from feed_service.accounts.keys import SigningKeys
from feed_service.app import signing_keys
from feed_service.schema.ids import encode
from feed_service.settings import Settings

SERVED = {"FEED_JOBS": "off", "FEED_POOL_SIZE": "1", "FEED_SLOW_STATEMENT_MS": "0", "FEED_SLOW_OPERATION_MS": "0"}
"""It reads by one connection: of several, some would not have prepared everything when the clock starts. What is off is
slow on purpose; to explain it in the slow log would cost statements."""

TURNS = 40
"""Requests that differ, asked one after the other and from the beginning again."""


VIEWERS = f"""
    SELECT follower_id FROM user_follows JOIN users ON users.id = follower_id
    WHERE {LIVE} AND role = 'user' GROUP BY follower_id
    ORDER BY count(*) BETWEEN 20 AND 50 DESC, md5(follower_id::text) LIMIT $1
"""  # noqa: S608 - our own words.
DISCUSSED = f"""
    SELECT posts.id AS post_id, author_id FROM posts JOIN post_stats ON post_id = posts.id
    WHERE deleted_at IS NULL AND published_at <= now() AND author_id IN (SELECT id FROM users WHERE {LIVE})
    ORDER BY comment_count BETWEEN 30 AND 400 DESC, md5(posts.id::text) LIMIT $1
"""  # noqa: S608 - our own words.
"""As `make bench` chooses them; on a small site also those who follow fewer, and posts with fewer comments."""


@dataclass(frozen=True)
class Ground:
    """`site` is the service without caches on the database `url`, with its keys in a folder of the `environment`.

    Ordinary viewers; posts with comments, and who wrote them.
    """

    url: str
    environment: Mapping[str, str]
    site: Site
    viewers: Sequence[int]
    posts: Sequence[int]
    authors: Sequence[int]

    def questions(self, name: str) -> list[Question]:
        """The document of `make bench` of that name, as many viewers ask it; POPULAR as pollers ask it.

        That one has no cursors, which name the frozen ranking of one process. RANKING is the same, ranked anew.
        """
        if name == "popular":
            return self.asked(polls.POPULAR, [{}] * len(self.viewers), is_public=True)
        given: dict[str, list[dict[str, Any]]] = {
            "post": [{"id": encode("Post", post)} for post in self.posts],
            "thread": [{"id": encode("Post", post)} for post in self.posts],
            "profile": [{"id": encode("User", author)} for author in self.authors],
            "search": [{"words": words} for words in WORDS],
        }
        if name == "ranking":
            return self.asked(polls.POPULAR, [polls.LIVE_RANKING] * len(self.viewers), is_public=True)
        return self.asked(document(name), given.get(name, [{}] * len(self.viewers)))

    def asked(self, text: str, variables: Sequence[dict[str, Any]], *, is_public: bool = False) -> list[Question]:
        keys: SigningKeys = signing_keys(Settings.from_environment(self.environment))
        tokens = tokens_of(self.viewers, keys)
        return [
            Question("" if is_public else tokens[viewer], orjson.dumps({"query": text, "variables": given}))
            for viewer, given in zip(self.viewers, variables, strict=False)
        ]


@asynccontextmanager
async def ground_on(url: str) -> AsyncIterator[Ground]:
    """`url` as drivers take it. Raises SystemExit where nobody follows anybody, or there is no post."""
    connection = await asyncpg.connect(url)
    try:
        viewers = [row["follower_id"] for row in await connection.fetch(VIEWERS, TURNS)]
        discussed = await connection.fetch(DISCUSSED, TURNS)
    finally:
        await connection.close()
    if not viewers or not discussed:
        raise SystemExit("The database has nobody who follows, or no post: seed it first (feed-service seed).")
    posts, authors = zip(*discussed, strict=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": folder, **SERVED}
        async with site_on(environment, has_caches=False) as site:
            yield Ground(url, environment, site, viewers, posts, authors)
