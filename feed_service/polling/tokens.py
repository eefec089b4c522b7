"""Sync tokens: what a poller has seen, signed for one viewer and one list. Only this module writes and reads them."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from feed_service.errors import InvalidCursor
from feed_service.polling.changes import Position
from feed_service.polling.snapshots import Snapshot
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind

VERSION = 1
MAC_BYTES = 12
MOST_CHARS = 16_000
"""Room for two snapshots with 1,000 transactions in progress each; a usual token has 55 characters, or 80."""


class SyncToken(NamedTuple):
    """All that `since` could see has been seen, and what was published by `clock_us`, in the history `epoch`.

    In the middle of more news than fit one answer: of what `since` could not see and `upto` could, all up to `last`,
    (xid, seq), has been seen as well. `generation` is that of a ranked feed.
    """

    epoch: int
    since: Snapshot
    clock_us: int
    upto: Snapshot | None = None
    last: tuple[int, int] | None = None
    generation: str = ""

    @property
    def position(self) -> Position:
        return Position(self.since.text, self.upto and self.upto.text, self.last)


def of_feed(kind: FeedKind, filter_key: str = "") -> str:
    """What the token of a feed is for. `filter_key`: a text that is the same for equal filters, empty for none."""
    return f"feed\0{kind}\0{filter_key}"


def of_thread(post_id: int) -> str:
    return f"thread\0{post_id}"


@dataclass(frozen=True)
class SyncTokens:
    """Signs with the secret of the cursors. `purpose` and viewer are signed with the token, and not in it."""

    secret: bytes

    def encode(self, purpose: str, viewer: Viewer, token: SyncToken) -> str:
        packed = bytes(varints([VERSION, *numbers_of(token)])) + token.generation.encode()
        return text_of(self._mac(purpose, viewer, packed) + packed)

    def decode(self, purpose: str, viewer: Viewer, text: str) -> SyncToken:
        """Raises InvalidCursor for anything that `encode` did not write for this viewer and purpose."""
        mac, packed = parts_of(text)
        if not hmac.compare_digest(mac, self._mac(purpose, viewer, packed)):
            raise InvalidCursor("The token is not one of this list for this viewer and with this filter.")
        numbers = Numbers(packed)
        if numbers.next() != VERSION:
            raise InvalidCursor("The token was written by another version of this service.")
        return token_of(numbers)

    def _mac(self, purpose: str, viewer: Viewer, packed: bytes) -> bytes:
        message = f"SyncToken\0{viewer.user_id or 0}\0{purpose}\0".encode() + packed
        return hmac.digest(self.secret, message, hashlib.sha256)[:MAC_BYTES]


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts_of(text: str) -> tuple[bytes, bytes]:
    """(signature, what is signed); empty for what no token can be, such as a second spelling of one."""
    if len(text) > MOST_CHARS:
        return b"", b""
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b"", b""
    return (b"", b"") if text_of(raw) != text else (raw[:MAC_BYTES], raw[MAC_BYTES:])


def numbers_of(token: SyncToken) -> Iterator[int]:
    yield token.epoch
    yield token.clock_us
    yield from numbers_of_snapshot(token.since)
    yield token.upto is not None
    if token.upto is not None:
        yield from numbers_of_snapshot(token.upto)
    yield from token.last or (0, 0)


def numbers_of_snapshot(snapshot: Snapshot) -> Iterator[int]:
    """Transactions as their distance from `xmax`, which is small."""
    yield snapshot.xmax
    yield snapshot.xmax - snapshot.xmin
    yield len(snapshot.open_xids)
    for xid in sorted(snapshot.open_xids):
        yield snapshot.xmax - xid


def token_of(numbers: "Numbers") -> SyncToken:
    epoch, clock_us, since = numbers.next(), numbers.next(), numbers.snapshot()
    upto = numbers.snapshot() if numbers.next() else None
    last = numbers.next(), numbers.next()
    return SyncToken(epoch, since, clock_us, upto, last if any(last) else None, numbers.rest.decode())


def varints(numbers: Iterable[int]) -> Iterator[int]:
    """Seven bits in each byte, the lowest first; the eighth says that more follow."""
    for number in numbers:
        left = number
        while left > 0x7F:
            yield left & 0x7F | 0x80
            left >>= 7
        yield left


@dataclass
class Numbers:
    """Reads what `varints` wrote, once the signature was found right."""

    rest: bytes

    def next(self) -> int:
        number = shift = used = 0
        for byte in self.rest:
            number |= (byte & 0x7F) << shift
            shift, used = shift + 7, used + 1
            if byte < 0x80:
                break
        self.rest = self.rest[used:]
        return number

    def snapshot(self) -> Snapshot:
        xmax, to_xmin, count = self.next(), self.next(), self.next()
        return Snapshot(xmax - to_xmin, xmax, frozenset(xmax - self.next() for _ in range(count)))
