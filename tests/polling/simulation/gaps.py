"""Those who were away for long, and fill the gap between what they had and the newest page."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.polling.simulation import documents
from tests.polling.simulation.front import Front, Person

SIZE = 5
MOST_PAGES = 500


@dataclass
class GapClient:
    """Looks once at the top of a feed, and again when all is quiet."""

    front: Front
    random: Random
    who: Person
    kind: str
    top: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        return f"gaps of {self.kind} of {self.who.id or 'nobody'}"

    async def poll(self) -> bool:
        if self.top is None:
            edges = (await self._page())["edges"]
            self.top = edges[0] if edges else None
        return False

    async def differences(self) -> list[str]:
        if self.top is None:
            return []
        page = await self._page(before=self.top["cursor"])
        found, gap, pages = page["edges"], page["gap"], 1
        while gap and pages < MOST_PAGES:
            page = await self._page(after=gap["after"], before=gap["before"])
            missing, rest = gap["missing"]["value"], len(page["edges"])
            if missing < rest or (missing > rest) != bool(page["gap"]):
                return [f"{self.name}: {missing} should be missing, and {rest} came, {page['gap']}"]
            found, gap, pages = [*found, *page["edges"]], page["gap"], pages + 1
        self.front.counts["pages of gaps"] += pages
        fresh = await self._above(self.top["position"])
        kept = [edge["node"]["id"] for edge in found]
        return [] if kept == fresh else [f"{self.name}: {kept} found, {fresh} now"]

    async def _above(self, position: str) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = await self._page(first=100, after=after)
            above = [edge["node"]["id"] for edge in page["edges"] if edge["position"] > position]
            found, after = [*found, *above], page["pageInfo"]["endCursor"]
            if len(above) < len(page["edges"]) or not page["pageInfo"]["hasNextPage"]:
                return found

    async def _page(self, first: int = SIZE, **where: str | None) -> Any:  # noqa: ANN401 - JSON.
        _, told = await self.front.query(self.random, self.who, documents.GAPPED, kind=self.kind, first=first, **where)
        return told.get("feed") or {"edges": [], "gap": None, "pageInfo": {"hasNextPage": False, "endCursor": None}}
