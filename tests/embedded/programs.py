"""Programs that own an embedded server, run as real processes, and what is left when they end."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg

CHECKOUT = Path(__file__).parents[2]
LIMIT_S = 15.0

OWNER = """
import sys, time
from pathlib import Path
from feed_service.embedded import postgres, signals
with signals.unwinding(), postgres.running(Path(sys.argv[1]), durable=False) as server:
    print(server.pid, server.is_joined, server.sockets, flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def started(
    program: str, *arguments: object, environment: Mapping[str, str] = os.environ
) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs `program` in the checkout; ended with the block if it still runs."""
    # Whoever runs the tests in the background of a shell ignores SIGINT, and with it all whom they start.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    argv = [sys.executable, "-c", heeding + program, *map(str, arguments)]
    with subprocess.Popen(argv, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.terminate()


def said_by(child: subprocess.Popen[str]) -> list[str]:
    """The words of the first line it prints, which it does when it is ready."""
    assert child.stdout is not None
    words = child.stdout.readline().split()
    assert words, "it ended without a word"
    return words


def tree_of(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *map(int, children.read_text().split() if children.exists() else ())]


def survivors(pids: list[int]) -> list[int]:
    """Those of `pids` that are still running after a while, for them all to have had time to end."""
    deadline = time.monotonic() + LIMIT_S
    while (alive := [pid for pid in pids if is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def is_running(pid: int) -> bool:
    """A process that has ended but was not yet waited for is not running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.parent.parent.joinpath("self").exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def fetch(sockets: Path, statement: str) -> list[tuple[object, ...]]:
    async def rows() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(host=str(sockets), port=5432, user="postgres", database="feed")
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(rows())
