"""The memory of one process: bounded, in order of use, by a clock that only goes forward; without Redis' client."""

import subprocess
import sys

from feed_service.cache.backends import Item
from feed_service.cache.memory import KEY_BYTES, BoundedMemory

WITHOUT_REDIS = """
import sys
from feed_service.app import create_app
from feed_service.settings import Settings
create_app(Settings.from_environment({"DATABASE_URL": "postgresql://nobody@nowhere/", "FEED_DATA_DIR": sys.argv[1]}))
sys.exit(" ".join({"redis", "aiocache", "alembic"} & set(sys.modules)) or 0)
"""


async def test_what_was_not_used_for_longest_goes_first() -> None:
    by_count = BoundedMemory(max_keys=3)
    by_size = BoundedMemory(max_bytes=3 * (KEY_BYTES + 10))
    for memory in (by_count, by_size):
        await memory.put_many([Item(name, b"x" * 10, 9) for name in "abc"])
        assert await memory.get_many(["a"]) == [b"x" * 10]
        await memory.put_many([Item("d", b"x" * 10, 9)])
        assert await memory.get_many(["a", "b", "c", "d"]) == [b"x" * 10, None, b"x" * 10, b"x" * 10]
        assert memory.size == 3 * (KEY_BYTES + 10)
    await by_size.put_many([Item("huge", b"x" * 1_000, 9)])
    assert (len(by_size), by_size.size) == (0, 0)


async def test_lifetimes_end_and_conditions_hold() -> None:
    now = 0.0
    memory = BoundedMemory(clock=lambda: now)
    await memory.add_many([Item("a", b"1", 1)])
    await memory.add_many([Item("a", b"2", 1)])
    await memory.replace(Item("a", b"3", 5), seen=b"2")
    assert await memory.get_many(["a"]) == [b"1"]
    await memory.replace(Item("a", b"3", 5), seen=b"1")
    now = 4.9
    assert await memory.get_many(["a"]) == [b"3"]
    assert not await memory.lead("a", 1)
    now = 5.0
    assert await memory.get_many(["a"]) == [None]
    assert (len(memory), memory.size) == (0, 0)
    assert await memory.lead("a", 1)
    await memory.delete_many(["a", "b"])
    assert await memory.get_many(["a"]) == [None]


def test_a_service_without_redis_does_not_import_its_client(tmp_path: object) -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT_REDIS, str(tmp_path)], capture_output=True, text=True)  # noqa: PLW1510 - ours.
    assert (told.returncode, told.stderr) == (0, "")
