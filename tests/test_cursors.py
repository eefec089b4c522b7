"""Cursors by themselves: every kind of key comes back, in its own order only, however old the cursor is."""

import base64
import hashlib
import hmac
import random
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed_service.errors import InvalidCursor
from feed_service.paging import EPOCH, Cursors, Order

AT = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
KEYS: dict[str, tuple[Any, ...]] = {
    "ti": (AT, 12_345),
    "ii": (-(2**63), 2**63 - 1),
    "fit": (-0.25, 7, EPOCH - timedelta(days=9_000)),
    "b": (b"\x80\x00" * 40,),
    "tib": (AT, 3, b"path"),
}
CURSORS = Cursors(b"a secret of this service" * 4)


@pytest.mark.parametrize("types", KEYS)
def test_a_cursor_gives_back_its_key_to_its_own_order_only(types: str) -> None:
    order = Order("list", types)
    cursor = CURSORS.encode(order, KEYS[types])
    assert CURSORS.decode(order, cursor) == KEYS[types]
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    for reader, other in [(CURSORS, Order("list ", types)), (Cursors(b"another"), order)]:
        with pytest.raises(InvalidCursor):
            reader.decode(other, cursor)


@pytest.mark.parametrize("types", ["ti", "b"])
def test_a_cursor_of_before_is_still_good(types: str) -> None:
    """They were signed by HMAC until 2026-11-21."""
    packed = (
        struct.pack(">qq", (AT - EPOCH) // timedelta(microseconds=1), 12_345) if types == "ti" else b"\x80\x00" * 40
    )
    signature = hmac.digest(CURSORS.secret, f"list\0{types}\0".encode() + packed, hashlib.sha256)[:8]
    cursor = base64.urlsafe_b64encode(signature + packed).rstrip(b"=").decode()
    assert CURSORS.decode(Order("list", types), cursor) == KEYS[types]
    with pytest.raises(InvalidCursor):
        CURSORS.decode(Order("another", types), cursor)


def test_sortable_texts_compare_as_the_keys_do() -> None:
    dice = random.Random(5)  # noqa: S311 - the same keys every time.
    days = [timedelta(days=dice.randrange(-30_000, 99)) for _ in range(99)]
    keys = [(dice.uniform(-9, 9), dice.randrange(-5, 5), AT + after) for after in days]
    order = Order("list", "fit")
    assert sorted(keys) == sorted(keys, key=order.sortable)
    assert {len(order.sortable(key)) for key in keys} == {48}
