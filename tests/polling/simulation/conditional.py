"""Those who poll by conditional GET, as browsers do: they keep the last answer and its ETag."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.polling.simulation import documents
from tests.polling.simulation.front import Front, Person
from tests.polling.simulation.ledger import STALE_S


@dataclass
class Consistency:
    """What viewers have written themselves: (token, when it was acknowledged), by their ids."""

    newest: dict[str, tuple[str, float]] = field(default_factory=dict)

    def headers(self, who: Person) -> tuple[dict[str, str], float]:
        """What to send, and from when on even a 304 knows everything."""
        token, at = self.newest.get(who.id, ("", 0.0))
        return ({"Feed-Consistency": token} if token else {}), at


@dataclass
class ConditionalClient:
    """The first page of a feed. `sends_token`: it sends what the viewer has written last.

    With numbers in its document it must wait a quarter of a minute for the last of them to be told.
    """

    front: Front
    random: Random
    who: Person
    kind: str
    consistency: Consistency
    sends_token: bool
    document: str = documents.PAGE
    etag: str = ""
    edges: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"GET {self.kind} of {self.who.id or 'nobody'}"

    async def poll(self) -> bool:
        headers, known_at = self.consistency.headers(self.who) if self.sends_token else ({}, 0.0)
        headers |= {"If-None-Match": self.etag} if self.etag else {}
        answer, told = await self.front.get(self.random, self.who, self.document, {"kind": self.kind}, headers)
        if answer.status == 304:
            self._check_headers(answer.headers)
            self._check(max(answer.began - STALE_S, known_at), "304")
            return False
        if not told:
            return True
        before, self.edges = self.edges, told["feed"]["edges"]
        is_news = before != self.edges
        self.front.counts["200 without news"] += not is_news
        self.etag = answer.headers.get("etag", "")
        self._check_headers(answer.headers)
        self._check(answer.began, "200")
        return is_news

    def _check(self, seen_at: float, status: str) -> None:
        self.front.ledger.check(self.who.id, [edge["node"] for edge in self.edges], seen_at, f"{status} {self.name}")

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        """The same validators on 200 and 304; an answer to one viewer is kept for that viewer."""
        is_private = headers.get("cache-control", "").startswith("private")
        if headers.get("etag", "") != self.etag or is_private != bool(self.who.id) or "vary" not in headers:
            self.front.errors.append(f"{self.name}: {self.etag} {dict(headers)}")

    async def differences(self) -> list[str]:
        await self.poll()
        _, told = await self.front.query(self.random, self.who, self.document, kind=self.kind)
        fresh = told["feed"]["edges"]
        return [f"{self.name}: {self.edges} kept, {fresh} now"] if self.edges != fresh else []
