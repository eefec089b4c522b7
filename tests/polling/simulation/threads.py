"""Those who watch a thread."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.polling.simulation import documents
from tests.polling.simulation.clients import WINDOW
from tests.polling.simulation.front import Front, Person


@dataclass
class ThreadClient:
    """All comments of a thread, tombstones among them; none while the post is hidden from the viewer."""

    front: Front
    random: Random
    who: Person
    post_id: str
    token: str = ""
    comments: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"thread {self.post_id} of {self.who.id or 'nobody'}"

    async def poll(self) -> bool:
        if not self.token:
            self.comments, self.token = await self._fresh()
            return bool(self.token)
        is_news, has_more = False, True
        while has_more:
            given = {"id": self.post_id, "since": self.token, "first": WINDOW}
            _, told = await self.front.query(self.random, self.who, documents.THREAD_CHANGES, **given)
            told = told.get("threadChanges") or {}
            if not told or told["resetRequired"]:
                self.front.counts["resets of threads"] += bool(told)
                self.comments, self.token = await self._fresh()
                return bool(self.token)
            for removed in told["removedIds"]:
                self.comments.pop(removed, None)
            self.comments |= by_id([*told["added"], *told["updated"]])
            self.token, has_more = told["nextToken"], told["hasMore"]
            is_news = is_news or bool(told["added"] or told["updated"] or told["removedIds"])
        self.front.counts["news of threads"] += is_news
        return is_news

    async def _fresh(self) -> tuple[dict[str, Mapping[str, Any]], str]:
        found: dict[str, Mapping[str, Any]] = {}
        token, after, has_more = "", None, True
        while has_more:
            given = {"id": self.post_id, "after": after}
            _, told = await self.front.query(self.random, self.who, documents.THREAD, **given)
            if not told.get("post"):
                return {}, ""
            tree = told["post"]["commentTree"]
            found |= by_id(tree["nodes"])
            token = token or tree["syncToken"]
            after, has_more = tree["pageInfo"]["endCursor"], tree["pageInfo"]["hasNextPage"]
        return found, token

    async def differences(self) -> list[str]:
        fresh, _ = await self._fresh()
        kinds = {
            "lost": fresh.keys() - self.comments.keys(),
            "stale": self.comments.keys() - fresh.keys(),
            "not updated": {key for key in fresh.keys() & self.comments.keys() if fresh[key] != self.comments[key]},
        }
        return [f"{self.name}: {word} {ids}" for word, ids in kinds.items() if ids]


def by_id(comments: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {comment["id"]: comment for comment in comments}
