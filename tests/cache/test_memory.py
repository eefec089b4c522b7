"""The memory of one process: bounded, in order of use, by a clock that only goes forward."""

import pytest

from feed_service.cache.memory import KEY_BYTES, BoundedMemory


async def test_what_was_not_used_for_longest_goes_first() -> None:
    by_count = BoundedMemory(max_keys=3)
    by_size = BoundedMemory(max_bytes=3 * (KEY_BYTES + 10))
    for memory in (by_count, by_size):
        for key in "abc":
            await memory.set(key, b"x" * 10, ttl=9)
        assert await memory.get("a")
        await memory.set("d", b"x" * 10, ttl=9)
        assert await memory.multi_get(["a", "b", "c", "d"]) == [b"x" * 10, None, b"x" * 10, b"x" * 10]
        assert memory.size == 3 * (KEY_BYTES + 10)
    await by_size.set("huge", b"x" * 1_000, ttl=9)
    assert (len(by_size), by_size.size) == (0, 0)


async def test_lifetimes_end_and_conditions_hold() -> None:
    now = 0.0
    memory = BoundedMemory(clock=lambda: now)
    await memory.add("a", b"1", ttl=1)
    with pytest.raises(ValueError, match="already"):
        await memory.add("a", b"2", ttl=1)
    await memory.set("a", b"3", ttl=5, _cas_token=b"2")
    assert await memory.get("a") == b"1"
    await memory.set("a", b"3", ttl=5, _cas_token=b"1")
    now = 4.9
    assert await memory.get("a") == b"3"
    now = 5.0
    assert await memory.get("a") is None
    assert (len(memory), memory.size) == (0, 0)
    await memory.add("a", b"4", ttl=1)
    assert await memory.delete("a") == 1
