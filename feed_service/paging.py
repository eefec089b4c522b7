"""Keyset paging: slices of an ordered list, and the signed cursors that point into it.

Only this module encodes or decodes a cursor and compares a row with one.
"""

import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, lru_cache, partial
from operator import attrgetter
from typing import Any, Generic, NamedTuple, Self, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    LargeBinary,
    Select,
    func,
    literal,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from feed_service.errors import BadUserInput, InvalidCursor

DEFAULT_SIZE = 20
MAX_SIZE = 100

Key = tuple[Any, ...]
Column = ColumnElement[Any] | InstrumentedAttribute[Any]
Entry = TypeVar("Entry")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of an ordered list is asked for; hashable, so that equal slices share one batch.

    `limit` items after `after` and before `before` (keys, exclusive), counted from the front, or from the back when
    `backwards`. `is_inclusive` takes the item at `after` or `before` as well.
    """

    limit: int
    backwards: bool = False
    after: Key | None = None
    before: Key | None = None
    is_inclusive: bool = False

    def preceding(self) -> Self | None:
        """The slice that holds an item exactly if the list has items before this one; None if it cannot."""
        if self.after is None:
            return None
        return replace(self, limit=1, backwards=True, after=None, before=self.after, is_inclusive=True)

    def following(self) -> Self | None:
        """The same for items that come later."""
        if self.before is None:
            return None
        return replace(self, limit=1, backwards=False, after=self.before, before=None, is_inclusive=True)


class Item(NamedTuple):
    """One place of a list: what stands there and its sort key; its row, where the list came with the rows."""

    id: int
    key: Key
    row: Any = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Entry]):
    """Items in list order, and whether the list goes on at the end that was being read towards."""

    items: Sequence[Entry]
    has_more: bool

    @classmethod
    def cut(cls, found: Sequence[Entry], part: Slice) -> Self:
        """A page of up to `limit + 1` items found in reading direction; the extra one only proves that more follow."""
        items = found[: part.limit]
        return cls(items[::-1] if part.backwards else items, len(found) > part.limit)


_KINDS: dict[type[TypeEngine[Any]], str] = {DateTime: "t", BigInteger: "i", Float: "f", LargeBinary: "b"}


@dataclass(frozen=True, eq=False)
class Sort:
    """Columns that order a list totally, all descending or all ascending, none of them ever NULL.

    `is_clocked`: the first column is a time, and rows whose time has not come are not in the list yet. The clock is
    then part of the upper bound. As a second condition beside a row comparison it could be the one by which PostgreSQL
    finds the start of an index range, and a deep page would read all rows before it.
    """

    columns: tuple[Column, ...]
    is_descending: bool = True
    is_clocked: bool = False

    @property
    def types(self) -> str:
        """The key types of `Order`, read off the columns."""
        return "".join(_KINDS[type(column.type)] for column in self.columns)

    def slice(
        self, statement: Select[*tuple[Any, ...]], part: Slice, *, ends_early: bool = False
    ) -> Select[*tuple[Any, ...]]:
        """The rows of `statement` in `part`, in reading direction, plus one that tells whether more follow.

        `ends_early`: the statement ends by a condition of its own before the slice does. PostgreSQL ends an index scan
        by one condition only, and IS TRUE keeps the end of the slice from being that one.
        """
        for key, is_upper, is_end in (
            (part.after, self.is_descending, part.backwards),
            (part.before, not self.is_descending, not part.backwards),
        ):
            if key is not None:
                condition = self._beyond(key, is_upper=is_upper, is_inclusive=part.is_inclusive)
            elif is_upper and self.is_clocked:
                condition = self.columns[0] <= func.now()
            else:
                continue
            statement = statement.where(condition.is_(True) if is_end and ends_early else condition)
        descending = self.is_descending != part.backwards
        order = [column.desc() if descending else column.asc() for column in self.columns]
        return statement.order_by(*order).limit(part.limit + 1)

    def _beyond(self, key: Key, *, is_upper: bool, is_inclusive: bool) -> ColumnElement[bool]:
        # Row comparison, not its OR form: only this one is an index condition.
        mine = tuple_(*self.columns)
        values: list[ColumnElement[Any]] = [
            value if isinstance(value, ColumnElement) else literal(value, column.type)
            for value, column in zip(key, self.columns, strict=True)
        ]
        if is_upper and self.is_clocked:
            values[0] = func.least(values[0], func.now())
        theirs = tuple_(*values)
        if is_inclusive:
            return mine <= theirs if is_upper else mine >= theirs
        return mine < theirs if is_upper else mine > theirs

    @cached_property
    def key(self) -> Callable[[Any], Key]:
        """From a result row, whose attributes are the sort columns, to its key."""
        names = [str(column.key) for column in self.columns]
        if len(names) == 1:
            (name,) = names
            return lambda row: (getattr(row, name),)
        return attrgetter(*names)


class Order(NamedTuple):
    """The name and the key types of one order: what a cursor is bound to.

    Types: `t` time (microseconds), `i` integer, `f` float, `b` bytes, which come last.
    """

    name: str
    types: str

    def sortable(self, key: Key) -> str:
        """The key as hexadecimal text of fixed width that compares as the key does; not for keys with bytes."""
        return "".join([f"{_ordinal(kind, value):016x}" for kind, value in zip(self.types, key, strict=True)])


_FORMATS = {"t": "q", "i": "q", "f": "d", "b": ""}
_SIGNATURE_BYTES = 8
_MOST_ORDERS = 1_000
"""A filter of a feed makes an order of its own."""

_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_FOREIGN = b"+/="


class Cursors:
    """Writes and reads cursors: the packed sort key, signed together with the list and order it belongs to.

    The signature is a keyed BLAKE2b, whose state after the name of the order is kept: a cursor takes 1.2 µs, of which a
    page of a feed writes 21. By HMAC, of the same length, it took 5; such cursors, written until 2026-11-21, stay good.
    """

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        key = hashlib.blake2b(secret, person=b"feed-cursor").digest()
        self._signing = lru_cache(_MOST_ORDERS)(partial(_signing, key))

    def encode(self, order: Order, key: Key) -> str:
        return self.encode_all(order, [key])[0]

    def encode_all(self, order: Order, keys: Iterable[Key]) -> list[str]:
        pack, signing, lines = _packing(order.types), self._signing(order), []
        for key in keys:
            packed, signed = pack(key), signing.copy()
            signed.update(packed)
            lines.append(binascii.b2a_base64(signed.digest() + packed))
        return b"".join(lines).translate(_TO_URL, b"=").decode("ascii").split()

    def decode(self, order: Order, cursor: str) -> Key:
        """Raises InvalidCursor for anything that `encode` did not write for this very order."""
        try:
            raw = _bytes_of(cursor)
            signature, packed = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        except (binascii.Error, UnicodeEncodeError):
            signature, packed = b"", b""
        if not hmac.compare_digest(signature, self._sign(order, packed)) and not hmac.compare_digest(
            signature, self._signed_before(order, packed)
        ):
            raise InvalidCursor("The cursor is not one of this list in this order and with this filter.")
        return _unpack(order.types, packed)

    def _sign(self, order: Order, packed: bytes) -> bytes:
        signing = self._signing(order).copy()
        signing.update(packed)
        return signing.digest()

    def _signed_before(self, order: Order, packed: bytes) -> bytes:
        return hmac.digest(self.secret, _named(order) + packed, hashlib.sha256)[:_SIGNATURE_BYTES]


def _signing(key: bytes, order: Order) -> "hashlib.blake2b":
    return hashlib.blake2b(_named(order), key=key, digest_size=_SIGNATURE_BYTES)


def _named(order: Order) -> bytes:
    return f"{order.name}\0{order.types}\0".encode()


def _bytes_of(cursor: str) -> bytes:
    """Raises binascii.Error and UnicodeEncodeError."""
    written = cursor.encode("ascii")
    if any(sign in written for sign in _FOREIGN):
        raise binascii.Error
    return binascii.a2b_base64(written.translate(_FROM_URL) + b"=" * (-len(written) % 4), strict_mode=True)


@cache
def _packing(types: str) -> Callable[[Key], bytes]:
    """For the few texts of types that there are."""
    packed, has_bytes = struct.Struct(">" + "".join(map(_FORMATS.__getitem__, types))), types.endswith("b")
    times = [place for place, kind in enumerate(types) if kind == "t"]

    def pack(key: Key) -> bytes:
        values = list(key)
        for place in times:
            values[place] = (values[place] - EPOCH) // MICROSECOND
        return packed.pack(*values[:-1]) + bytes(values[-1]) if has_bytes else packed.pack(*values)

    return pack


def _ordinal(kind: str, value: Any) -> int:  # noqa: ANN401 - a sort value of any kind but bytes.
    """An unsigned number of 64 bits that compares as the value does."""
    if kind == "t":
        value = (value - EPOCH) // MICROSECOND
    if kind != "f":
        return int(value) + 0x8000_0000_0000_0000
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    return int(bits) ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 0x8000_0000_0000_0000)


def _unpack(types: str, packed: bytes) -> Key:
    """The values of a verified key; bytes come last and take what is left."""
    values: list[Any] = []
    for kind in types:
        if kind == "b":
            values.append(packed)
            break
        (value,) = struct.unpack_from(f">{_FORMATS[kind]}", packed)
        packed = packed[8:]
        values.append(EPOCH + timedelta(microseconds=value) if kind == "t" else value)
    return tuple(values)


def page_size(first: int | None, last: int | None) -> tuple[int, bool]:
    """(number of items, whether from the back).

    Raises:
        BadUserInput: both are given, or a number is outside 1 to 100.
    """
    if first is not None and last is not None:
        raise BadUserInput("Give either first or last, not both.")
    size = last if last is not None else first if first is not None else DEFAULT_SIZE
    if not 1 <= size <= MAX_SIZE:
        raise BadUserInput(f"first and last must be between 1 and {MAX_SIZE}; this page asks for {size}.")
    return size, last is not None
