"""Those who poll by the protocol of docs/polling.md: each keeps a list, and compares it with a fresh one in the end."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from tests.polling.simulation import documents
from tests.polling.simulation.front import Front, Person

PAGE = 20
WINDOW = 5
"""Small, so that windows are cut."""

LONGEST_DRAIN = 500

AGREED_WITHIN_S = 1.5
"""A new generation may come at any moment, and processes hear of it within a second."""

GENERATION_CHARS = 16
"""A position of a ranked feed begins with the generation, in hexadecimal."""


class Client(Protocol):
    """`poll` says whether there was anything; `differences` compares, when nobody writes any more."""

    @property
    def name(self) -> str: ...

    async def poll(self) -> bool: ...

    async def differences(self) -> list[str]: ...


@dataclass
class FeedClient:
    """A list of a feed from its top down to `bottom`, the position of its last post, or to the end if that is None."""

    front: Front
    random: Random
    who: Person
    kind: str
    filter: Mapping[str, Any] | None = None
    token: str = ""
    bottom: str | None = None
    places: dict[str, str] = field(default_factory=dict)
    posts: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.filter or ''} of {self.who.id or 'nobody'}"

    async def poll(self) -> bool:
        if not self.token:
            await self.load()
            return True
        is_news, has_more = False, True
        while has_more:
            told = await self._asked(documents.CHANGES, "feedChanges", since=self.token, first=WINDOW)
            if not told or told["resetRequired"]:
                self.front.counts["resets"] += bool(told)
                await self.load()
                return True
            self._apply(told)
            has_more = told["hasMore"]
            is_news = is_news or bool(told["added"] or told["updated"] or told["removedIds"])
        return is_news

    async def load(self) -> None:
        page = await self._asked(documents.FEED, "feed", first=PAGE)
        if not page:
            return
        if page["pageInfo"]["hasNextPage"] and not page["edges"]:
            self.front.errors.append(f"{self.name}: an empty page, of {page}")
            return
        self.places, self.posts, self.token, self.bottom = {}, {}, page["head"]["token"], None
        self._keep(page["edges"])
        self.bottom = min(self.places.values()) if page["pageInfo"]["hasNextPage"] else None

    def _apply(self, told: Mapping[str, Any]) -> None:
        counts = self.front.counts
        for removed in told["removedIds"]:
            counts["removed"] += self.places.pop(removed, None) is not None
            self.posts.pop(removed, None)
        for post in told["updated"]:
            if post["id"] in self.places:
                counts["updated"] += 1
                self.posts[post["id"]] = post
        counts["repeated"] += sum(edge["node"]["id"] in self.places for edge in told["added"]) * (not self.filter)
        counts["added"] += len(told["added"])
        self._keep(told["added"])
        self.token = told["nextToken"]

    def _keep(self, edges: Iterable[Mapping[str, Any]]) -> None:
        for edge in edges:
            if self.bottom is None or edge["position"] >= self.bottom:
                self.places[edge["node"]["id"]] = edge["position"]
                self.posts[edge["node"]["id"]] = edge["node"]

    async def _asked(self, document: str, member: str, **variables: Any) -> Mapping[str, Any]:  # noqa: ANN401
        given = {"kind": self.kind, "filter": self.filter} | variables
        answer, told = await self.front.query(self.random, self.who, document, **given)
        found: Mapping[str, Any] = told.get(member) or {}
        shown = [edge["node"] for edge in (*found.get("edges", ()), *found.get("added", ()))]
        self.front.ledger.check(self.who.id, (*shown, *found.get("updated", ())), answer.began, f"{member} {self.name}")
        return found

    async def differences(self) -> list[str]:
        head = await self._asked(documents.HEAD, "feedHead", since=self.token)
        found = [f"{self.name}: feedHead counts {head['newCount']}"] if head["newCount"]["value"] else []
        fresh = {edge["node"]["id"]: edge for edge in await self._fresh()}
        kept = sorted(self.places, key=self.places.__getitem__, reverse=True)
        lost, stale = fresh.keys() - kept, set(kept) - fresh.keys()
        found += [f"{self.name}: {word} {ids}" for word, ids in (("lost", lost), ("stale", stale)) if ids]
        if not found and kept != list(fresh):
            found.append(f"{self.name}: in another order")
        for post_id, post in self.posts.items():
            if post_id in fresh and post != fresh[post_id]["node"]:
                found.append(f"{self.name}: not updated: {post}, now {fresh[post_id]['node']}")
        return found

    async def _fresh(self) -> list[Mapping[str, Any]]:
        edges: list[Mapping[str, Any]] = []
        after, has_more = None, True
        while has_more:
            page = await self._asked(documents.FEED, "feed", first=100, after=after)
            edges += page["edges"]
            after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            has_more = has_more and (self.bottom is None or edges[-1]["position"] >= self.bottom)
        return [edge for edge in edges if self.bottom is None or edge["position"] >= self.bottom]


class RankedClient(FeedClient):
    """A list of one generation of a ranking. What is hidden meanwhile goes with the next generation."""

    async def differences(self) -> list[str]:
        for _ in range(3):
            await self.poll()
            page = await self._asked(documents.FEED, "feed", first=PAGE)
            fresh = [edge["node"]["id"] for edge in page["edges"]]
            if page["edges"] and self._generation() == page["edges"][0]["position"][:GENERATION_CHARS]:
                kept = [post_id for post_id in self.places if post_id in fresh]
                same = kept == [post_id for post_id in fresh if post_id in self.places]
                return [] if kept and same else [f"{self.name}: {kept} kept, {fresh} now"]
            await asyncio.sleep(AGREED_WITHIN_S)
        return [f"{self.name}: a new generation every time"]

    def _generation(self) -> str:
        return next(iter(self.places.values()), "")[:GENERATION_CHARS]


async def drained(client: Client) -> bool:
    """Polled until nothing comes. Whether that was ever so."""
    for _ in range(LONGEST_DRAIN):
        if not await client.poll():
            return True
    return False
