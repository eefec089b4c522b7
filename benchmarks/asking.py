"""What `make bench` asks, and for whom: the documents of benchmarks/operations, with the variables of 200 requests."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.load import Poller
from benchmarks.polls import posted
from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.tokens import Bearer, mint
from feed_service.schema.ids import encode

FOLDER = Path(__file__).parent / "operations"
TURNS = 200
"""Requests that differ, asked one after the other and from the beginning again."""

OF_PEERS = ("feed", "post", "popular")
OF_OURS = ("profile", "thread", "head", "search")
NAMES = OF_PEERS + OF_OURS

WORDS = tuple(
    f"{side} {topic}"
    for side in ("city", "careful", "small", "winter")
    for topic in ("bread", "cycling", "databases", "trains", "maps", "violins", "harbours", "zines", "tides", "fonts")
)

Turn = tuple[int | None, Mapping[str, Any]]

LIVE = "deleted_at IS NULL AND suspended_at IS NULL"
VIEWERS = f"""
    SELECT follower_id FROM user_follows JOIN users ON users.id = follower_id
    WHERE {LIVE} AND role = 'user' GROUP BY follower_id HAVING count(*) BETWEEN 20 AND 50
    ORDER BY md5(follower_id::text) LIMIT $1
"""  # noqa: S608 - our own words.
DISCUSSED = f"""
    SELECT posts.id AS post_id, author_id FROM posts JOIN post_stats ON post_id = posts.id
    WHERE comment_count BETWEEN 30 AND 400 AND deleted_at IS NULL AND published_at <= now()
    AND author_id IN (SELECT id FROM users WHERE {LIVE})
    ORDER BY md5(posts.id::text) LIMIT $1
"""  # noqa: S608 - our own words.
"""Most seeded posts have fewer comments than POST and THREAD ask for."""


@dataclass(frozen=True)
class Cast:
    """Ordinary viewers, who follow 20 to 50; posts with enough comments for a page of them; and who wrote those."""

    viewers: list[int]
    posts: list[int]
    authors: list[int]

    @classmethod
    def of(cls, url: str) -> "Cast":
        return asyncio.run(_cast(url))


async def _cast(url: str) -> Cast:
    connection = await asyncpg.connect(url)
    try:
        viewers = [row["follower_id"] for row in await connection.fetch(VIEWERS, TURNS)]
        discussed = await connection.fetch(DISCUSSED, TURNS)
    finally:
        await connection.close()
    if len(viewers) < TURNS or len(discussed) < TURNS:
        raise SystemExit(
            f"The database has {len(viewers)} ordinary viewers and {len(discussed)} discussed posts only.\n"
            "A folder that was seeded by an older version must be removed."
        )
    return Cast(viewers, [row["post_id"] for row in discussed], [row["author_id"] for row in discussed])


@dataclass(frozen=True)
class Operation:
    """`turns`: (who asks, or None; the variables, with global ids)."""

    name: str
    document: str
    turns: Sequence[Turn]

    def pollers(self, tokens: Mapping[int, str]) -> list[Poller]:
        """As our service is asked: by POST, with a bearer token."""
        names = [tokens[viewer] if viewer is not None else "" for viewer, _ in self.turns]
        return posted(self.document, names, [dict(variables) for _, variables in self.turns])


def document(name: str) -> str:
    return (FOLDER / f"{name}.graphql").read_text()


def operation(name: str, cast: Cast) -> Operation:
    """HEAD's `since` comes later, from the service: see `entrants.since`."""
    if name == "popular":
        return Operation(name, document(name), [(None, {})] * TURNS)
    variables: dict[str, Sequence[Mapping[str, Any]]] = {
        "feed": [{}] * TURNS,
        "head": [{}] * TURNS,
        "post": [{"id": encode("Post", post)} for post in cast.posts],
        "thread": [{"id": encode("Post", post)} for post in cast.posts],
        "profile": [{"id": encode("User", author)} for author in cast.authors],
        "search": [{"words": WORDS[turn % len(WORDS)]} for turn in range(TURNS)],
    }
    return Operation(name, document(name), list(zip(cast.viewers, variables[name], strict=True)))


def tokens_of(viewers: Sequence[int], keys: SigningKeys) -> dict[int, str]:
    now, lifetime = datetime.now(UTC), timedelta(hours=12)
    return {viewer: mint(keys, Bearer(viewer), lifetime=lifetime, now=now) for viewer in viewers}
