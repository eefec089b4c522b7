"""Where every request goes through: to any of the processes, checked, and counted."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from tests.polling.simulation.ledger import Ledger
from tests.polling.simulation.servers import Service
from tests.polling.simulation.wire import Answer, Lost, Wire

ACCEPT = {"Accept": "application/graphql-response+json"}
JSON = ACCEPT | {"Content-Type": "application/json"}
MOST_TRIES, RETRY_S = 200, 0.1
"""Whatever was killed is back by then."""

OVERLOADED, UNAVAILABLE = b'"OVERLOADED"', b'"UNAVAILABLE"'


class Refused(Exception):
    """A mutation was not done, and it is noted why."""


@dataclass(frozen=True)
class Person:
    """`id` is the global one; the empty one is nobody's."""

    id: str = ""
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass
class Front:
    """`errors` are answers that are none: whatever is not 200 or 304, and every GraphQL error.

    OVERLOADED, which a machine that does too much else causes, is counted apart, and as if there was no answer; with
    `excuses_unavailable`, so is what says that the database is away.
    """

    services: list[Service]
    wire: Wire
    ledger: Ledger
    excuses_unavailable: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    async def query(self, random: Random, who: Person, document: str, **variables: Any) -> tuple[Answer, Any]:  # noqa: ANN401
        """The answer and its data, empty after an error. Asked again elsewhere while a process is dead."""
        return await self._read(random, "POST", "/graphql", who.headers | JSON, packed(document, variables))

    async def get(
        self, random: Random, who: Person, document: str, variables: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[Answer, Any]:
        """The same by the name of a persisted document, which is registered if the process does not know it."""
        hash_of = hashlib.sha256(document.encode()).hexdigest()
        extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": hash_of}})
        address = f"/graphql?extensions={quote(extensions)}&variables={quote(json.dumps(variables))}"
        asked = {**who.headers, **ACCEPT, **headers}
        answer = await self._asked(random, "GET", address, asked)
        if answer.status == 200 and b"PERSISTED_QUERY_NOT_FOUND" in answer.body:
            self.counts["documents registered"] += 1
            return await self._read(random, "GET", f"{address}&query={quote(document)}", asked)
        return answer, self._data(answer, address)

    async def mutate(self, random: Random, who: Person, document: str, **variables: Any) -> Any:  # noqa: ANN401
        """The payload of the one mutation.

        Raises:
            Lost: it is not known what became of it.
            Refused: it was not done, which is an error here.
        """
        answer = await self._heard(random, "POST", "/graphql", who.headers | JSON, packed(document, variables))
        self.counts["mutations"] += 1
        payload = next(iter(self._data(answer, document).values()), {"userErrors": ["no payload"]})
        if payload["userErrors"]:
            self.errors.append(f"{document} {variables}: {payload['userErrors']}")
            raise Refused
        return payload

    async def _read(
        self, random: Random, method: str, address: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[Answer, Any]:
        answer = await self._asked(random, method, address, headers, body)
        return answer, self._data(answer, body.decode() or address)

    async def _asked(
        self, random: Random, method: str, address: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        for _ in range(MOST_TRIES):
            try:
                return await self._heard(random, method, address, headers, body)
            except Lost:
                self.counts["lost"] += 1
                await asyncio.sleep(RETRY_S)
        raise Lost(f"No process answers: {address}")

    async def _heard(
        self, random: Random, method: str, address: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Of any process. Raises Lost."""
        answer = await self.wire.ask(random.choice(self.services).port, method, address, headers, body)
        if OVERLOADED in answer.body or (self.excuses_unavailable and UNAVAILABLE in answer.body):
            self.counts["overloaded" if OVERLOADED in answer.body else "unavailable"] += 1
            raise Lost(answer.body.decode())
        return answer

    def _data(self, answer: Answer, what: str) -> Any:  # noqa: ANN401 - JSON.
        self.counts[f"{answer.status}"] += 1
        if answer.status == 304:
            return {}
        told = answer.json() if answer.body else {}
        if answer.status != 200 or "errors" in told:
            self.errors.append(f"{answer.status} {answer.body[:500]!r} to {what[:300]}")
            return {}
        return told.get("data") or {}


def packed(document: str, variables: Mapping[str, Any]) -> bytes:
    return json.dumps({"query": document, "variables": variables}).encode()
