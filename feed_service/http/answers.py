"""Answers that were given: their versions, by which a later one is known to be the same, and the public bodies."""

import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from graphql import DocumentNode

from feed_service.bounded import Bounded
from feed_service.errors import FeedError
from feed_service.execution.faults import known_fault
from feed_service.execution.reads import FieldReader
from feed_service.execution.unchanged import Version, Versions
from feed_service.http.headers import THREAD_FROM_BYTES
from feed_service.http.packing import packed
from feed_service.http.validators import ETags
from feed_service.loaders.reads import Reads
from feed_service.polling.tail import Standing
from feed_service.viewer import Viewer

log = logging.getLogger(__name__)

MOST_QUESTIONS = 10_000
LONGEST_QUESTION = 2_000

MOST_VERSIONS = 10_000
MOST_IDS = 100_000
"""Of all versions, about 10 MB."""

MOST_BODIES = 10_000
MOST_BYTES = 8_000_000
LARGEST_BODY = 200_000
LARGEST_OF_VIEWER = 1_000
"""Heads of feeds and changes, which a viewer asks for again and again. A longer body is kept once they have asked the
same three times and got the same twice: most never do, and to keep and pack it takes half of what it took to make."""

BODY_FOR_US = 60_000_000
NUMBERS_S = 1.0
"""How old the numbers in a body may be that is sent again to nobody in particular."""


class Question(NamedTuple):
    """What is asked, by whom. `digest`: see `validators.digest_of`. `is_fresh`: what was just written must be seen."""

    digest: bytes
    viewer: Viewer
    is_fresh: bool = False

    @property
    def key(self) -> "Key":
        """The same for all who see the same answer: sessions make no difference, roles do."""
        return self.digest, self.viewer.user_id, self.viewer.role


class Made(NamedTuple):
    """An answer without errors, the document that asked for it, and the context in which it was made."""

    text: str
    document: DocumentNode
    context: object
    body: bytes
    media_type: str


Key = tuple[bytes, int | None, str]


class Kept(NamedTuple):
    digest: bytes
    version: Version


class Body(NamedTuple):
    """`is_packed`: with gzip, as long ones soon are."""

    etag: str
    body: bytes
    media_type: str
    version: Version
    is_packed: bool = False


class Questions:
    """Digests of questions by the query string, or the body, and the Accept header that they came in."""

    def __init__(self) -> None:
        self._digests = Bounded[tuple[bytes, bytes], bytes](MOST_QUESTIONS)

    def get(self, query_string: bytes, accept: bytes) -> bytes | None:
        return self._digests.get((query_string, accept))

    def keep(self, query_string: bytes, accept: bytes, digest: bytes) -> None:
        if len(query_string) + len(accept) <= LONGEST_QUESTION:
            self._digests.put((query_string, accept), digest)


class SharedVersions(Protocol):
    """Where the processes leave versions for each other. It may forget, and never fails."""

    async def get(self, etag: str) -> tuple[bytes, Version] | None: ...

    async def put(self, etag: str, digest: bytes, version: Version) -> None: ...


class Answers:
    """Bounded; what is forgotten is made anew."""

    def __init__(
        self,
        versions: Versions,
        fields: FieldReader,
        etags: ETags,
        reads_of: Callable[[object], Reads],
        shared: SharedVersions | None = None,
    ) -> None:
        """`reads_of`: what the loaders of a request's context have noted."""
        self.versions, self.fields, self.etags, self.reads_of, self.shared = versions, fields, etags, reads_of, shared
        self.questions, self.posted = Questions(), Questions()
        """By query string, and by the body of a POST."""
        self._kept = Bounded[str, Kept](MOST_VERSIONS, MOST_IDS)
        self._bodies = Bounded[Key, Body](MOST_BODIES, MOST_BYTES)
        self._asked = Bounded[Key, int](MOST_QUESTIONS)
        """Hashes of the last long bodies of viewers, 0 after the first time."""
        versions.tail.listen(lambda events: self.forget() if events is None else None)

    def forget(self) -> None:
        self._kept.clear()
        self._bodies.clear()

    def known(self, etag: str) -> Kept | None:
        """What this process knows of an answer."""
        return self._kept.get(etag)

    async def unchanged(self, question: Question, etags: list[str]) -> str | None:
        """The first of `etags` that is of the answer which would be given now."""
        for etag in etags:
            found = self.known(etag) or await self._of_others(etag)
            if found is None or found.digest != question.digest or not is_same(found.version.viewer, question.viewer):
                continue
            within_s, numbers_s = (0, 0.0) if question.is_fresh else (1.0, None)
            if await self._is_unchanged(found.version, within_s, numbers_s):
                return etag
        return None

    async def _of_others(self, etag: str) -> Kept | None:
        shared = await self.shared.get(etag) if self.shared else None
        if shared is None:
            return None
        found = Kept(*shared)
        self._keep(etag, found)
        return found

    async def body(self, question: Question) -> Body | None:
        """Nothing that it shows was changed or hidden before this was called."""
        found = self._bodies.get(question.key)
        if found is None:
            return None
        numbers_s = NUMBERS_S if question.viewer.is_anonymous and not question.is_fresh else 0.0
        if await self._is_unchanged(found.version, 0, numbers_s):
            age_us = self.versions.tail.standing.clock_us - found.version.standing.clock_us
            if age_us <= BODY_FOR_US:
                return found
        self._bodies.drop(question.key)
        return None

    def made(self, question: Question, begun: Standing | None, made: Made, *, is_get: bool) -> str:
        """The ETag of what was made after `begun`. Its version is kept, if it has one.

        By POST nobody can name it: it is empty for what is not kept, as to make it takes 1 µs for each 500 bytes.
        """
        is_worth_it = is_repeated(question.viewer, is_get=is_get) and self._is_worth_keeping(question, made.body)
        if not (is_get or is_worth_it):
            return ""
        etag = self.etags.of(question.digest, question.viewer, made.body)
        reads = self.reads_of(made.context)
        if begun is None or not self.fields.of(made.text, made.document).complete(reads):
            return etag
        version = self.versions.made(question.viewer, reads, begun)
        if is_get:
            self._keep(etag, Kept(question.digest, version))
        if is_worth_it:
            body = Body(etag, made.body, made.media_type, version)
            self._bodies.put(question.key, body, weight_of(body))
        return etag

    def _is_worth_keeping(self, question: Question, body: bytes) -> bool:
        if question.viewer.is_anonymous or len(body) <= LARGEST_OF_VIEWER:
            return len(body) <= LARGEST_BODY
        before = self._asked.get(question.key)
        now = 0 if before is None else hash(body)
        self._asked.put(question.key, now)
        return bool(now) and now == before and len(body) <= LARGEST_BODY

    async def settle(self, question: Question, etag: str) -> None:
        """What needs not be done before the answer is sent, once for each; `etag` of those by GET."""
        if etag:
            await self._share(etag)
        await self._pack(question)

    async def _pack(self, question: Question) -> None:
        """Have a long body take a quarter of its room; most clients take it so."""
        found = self._bodies.get(question.key)
        if found is None or found.is_packed or len(found.body) < THREAD_FROM_BYTES:
            return
        small = found._replace(body=await packed(found.body), is_packed=True)
        if self._bodies.get(question.key) is found:
            self._bodies.put(question.key, small, weight_of(small))

    async def _share(self, etag: str) -> None:
        """Tell the other processes."""
        found = self._kept.get(etag)
        if self.shared and found is not None:
            await self.shared.put(etag, found.digest, found.version)

    async def begin(self, question: Question) -> Standing | None:
        """Before an answer is made. None if the log cannot be read: the answer then has no version.

        Of a read up to a second old: what it has not seen counts as a change later, which is slow and right.
        """
        try:
            return await self.versions.begin(is_fresh=question.is_fresh)
        except Exception as fault:
            if known_fault(fault) is None and not isinstance(fault, FeedError):
                raise
            log.warning("An answer is made without its version: %s", type(fault).__name__)
            return None

    async def _is_unchanged(self, version: Version, within_s: float, numbers_s: float | None) -> bool:
        """Not known to be, if the log cannot be read."""
        try:
            return await self.versions.is_unchanged(version, within_s=within_s, numbers_s=numbers_s)
        except Exception as fault:
            if known_fault(fault) is None and not isinstance(fault, FeedError):
                raise
            return False

    def _keep(self, etag: str, kept: Kept) -> None:
        self._kept.put(etag, kept, len(kept.version))


def is_repeated(viewer: Viewer, *, is_get: bool) -> bool:
    """Whether a kept body can be the answer: what a viewer asks by GET is theirs to keep, with its ETag."""
    return viewer.is_anonymous or not is_get


def is_same(one: Viewer, other: Viewer) -> bool:
    """Whether both see the same: sessions make no difference, roles do."""
    return one.user_id == other.user_id and one.role == other.role


def weight_of(body: Body) -> int:
    """Bytes, with about 64 for each id of its version."""
    return len(body.body) + 64 * len(body.version)
