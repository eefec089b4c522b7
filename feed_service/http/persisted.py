"""Documents that clients name instead of sending: by a registered hash, or by an id that is trusted."""

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from feed_service.bounded import Bounded
from feed_service.errors import BadUserInput, Forbidden
from feed_service.http.body import GraphQLRequest
from feed_service.http.refusals import PersistedQueryNotFound

MAX_LENGTH = 20_000
MAX_KEPT = 1_000
MAX_KEPT_TOTAL = 2_000_000
"""Characters of all registered texts in the memory of one process."""

SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
PREFIX = "sha256:"
"""Before a hash in a `documentId`, as the draft on persisted documents writes it."""


class SharedTexts(Protocol):
    """Where the processes leave registered texts for each other. It may forget, and never fails."""

    async def get(self, sha256: str) -> str | None: ...

    async def put(self, sha256: str, text: str) -> None: ...


class PersistedDocuments:
    """Trusted documents are never forgotten; registered ones are, the longest unused first.

    Clients take "not found" as the request to send the text, so that forgetting costs a round trip and nothing else.
    """

    def __init__(
        self,
        trusted: Mapping[str, str] = MappingProxyType({}),
        *,
        only_trusted: bool = False,
        shared: SharedTexts | None = None,
    ) -> None:
        """`trusted`: texts by id. `only_trusted`: nothing else is answered."""
        self._trusted = {**{sha256_of(text): text for text in trusted.values()}, **trusted}
        self._trusted_texts = frozenset(trusted.values())
        self._only_trusted = only_trusted
        self._shared = shared
        self._kept = Bounded[str, str](MAX_KEPT, MAX_KEPT_TOTAL)

    async def text_of(self, asked: GraphQLRequest) -> str:
        """The text that `asked` sends or names.

        Raises:
            PersistedQueryNotFound: it names one that is not known here.
            Forbidden: only trusted documents are answered, and it is none.
            BadUserInput: the hash is not that of the text that came with it.
        """
        if asked.query is not None:
            return self._sent(asked.query, asked)
        name = asked.sha256 or (asked.document_id or "").removeprefix(PREFIX)
        text = self._trusted.get(name) or self._kept.get(name) or await self._of_others(name)
        if text is not None:
            return text
        if self._only_trusted:
            raise Forbidden("This service answers trusted documents only.")
        raise PersistedQueryNotFound("PersistedQueryNotFound")

    def _sent(self, text: str, asked: GraphQLRequest) -> str:
        if self._only_trusted and text not in self._trusted_texts:
            raise Forbidden("This service answers trusted documents only.")
        if asked.sha256 and self._trusted.get(asked.sha256) != text and sha256_of(text) != asked.sha256:
            raise BadUserInput("The sha256Hash is not that of the query.")
        return text

    async def _of_others(self, name: str) -> str | None:
        if self._shared is None or self._only_trusted or not SHA256.fullmatch(name):
            return None
        text = await self._shared.get(name)
        if text is None or sha256_of(text) != name:
            return None
        self._kept.put(name, text, len(text))
        return text

    async def register(self, asked: GraphQLRequest) -> None:
        """Keep a text that came with its hash. Call it for texts that are valid, so that nothing else is kept."""
        name, text = asked.sha256, asked.query
        if name is None or text is None or name in self._kept or name in self._trusted or len(text) > MAX_LENGTH:
            return
        self._kept.put(name, text, len(text))
        if self._shared is not None:
            await self._shared.put(name, text)


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
