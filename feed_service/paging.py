"""Keyset paging: slices of an ordered list, and the signed cursors that point into it.

Only this module encodes or decodes a cursor and compares a row with one.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
    """One place of a list: what stands there and its sort key."""

    id: int
    key: Key


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


@dataclass(frozen=True)
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

    def key(self, row: Any) -> Key:  # noqa: ANN401 - a result row, whose attributes are the sort columns.
        return tuple(getattr(row, str(column.key)) for column in self.columns)


@dataclass(frozen=True)
class Order:
    """The name and the key types of one order: what a cursor is bound to.

    Types: `t` time (microseconds), `i` integer, `f` float, `b` bytes.
    """

    name: str
    types: str

    def sortable(self, key: Key) -> str:
        """The key as hexadecimal text of fixed width that compares as the key does; not for keys with bytes."""
        return "".join(f"{_ordinal(kind, value):016x}" for kind, value in zip(self.types, key, strict=True))


_PACKED = {"t": ">q", "i": ">q", "f": ">d"}
_SIGNATURE_BYTES = 8


@dataclass(frozen=True)
class Cursors:
    """Writes and reads cursors: the packed sort key, signed together with the list and order it belongs to."""

    secret: bytes

    def encode(self, order: Order, key: Key) -> str:
        packed = b"".join(_pack(kind, value) for kind, value in zip(order.types, key, strict=True))
        return base64.urlsafe_b64encode(self._sign(order, packed) + packed).rstrip(b"=").decode()

    def decode(self, order: Order, cursor: str) -> Key:
        """Raises InvalidCursor for anything that `encode` did not write for this very order."""
        try:
            raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            signature, packed = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        except (binascii.Error, UnicodeEncodeError):
            signature, packed = b"", b""
        if not hmac.compare_digest(signature, self._sign(order, packed)):
            raise InvalidCursor("The cursor is not one of this list in this order and with this filter.")
        return _unpack(order.types, packed)

    def _sign(self, order: Order, packed: bytes) -> bytes:
        message = f"{order.name}\0{order.types}\0".encode() + packed
        return hmac.digest(self.secret, message, hashlib.sha256)[:_SIGNATURE_BYTES]


def _ordinal(kind: str, value: Any) -> int:  # noqa: ANN401 - a sort value of any kind but bytes.
    """An unsigned number of 64 bits that compares as the value does."""
    bits = int.from_bytes(_pack(kind, value), "big")
    if kind == "f" and bits >> 63:
        return bits ^ 0xFFFF_FFFF_FFFF_FFFF
    return bits ^ 0x8000_0000_0000_0000


def _pack(kind: str, value: Any) -> bytes:  # noqa: ANN401 - a sort value of any of the four kinds.
    if kind == "b":
        return bytes(value)
    if kind == "t":
        value = (value - EPOCH) // timedelta(microseconds=1)
    return struct.pack(_PACKED[kind], value)


def _unpack(types: str, packed: bytes) -> Key:
    """The values of a verified key; bytes come last and take what is left."""
    values: list[Any] = []
    for kind in types:
        if kind == "b":
            values.append(packed)
            break
        (value,) = struct.unpack_from(_PACKED[kind], packed)
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
