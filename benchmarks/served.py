"""Servers as processes of their own, pinned to a core where that can be, and what they cost."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import Found, Poller, Shot

CHECKOUT = Path(__file__).parent.parent
SERVICE = ("-m", "feed_service.cli", "serve", "--port", "0")
UNCACHED = ("-m", "benchmarks.uncached_site")
BARE = ("-m", "benchmarks.bare_site", "0")

CAN_PIN = hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1
SERVER_CORE, OTHER_CORE = (0, 1) if CAN_PIN else (None, None)


@dataclass(frozen=True)
class Server:
    """One worker, listening on `port` of 127.0.0.1."""

    name: str
    pid: int
    port: int

    def cpu_s(self) -> float:
        """All CPU it has used, in user and in kernel mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1_024


def running(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], *, is_pinned: bool = True
) -> AbstractContextManager[Server]:
    """A server in Python, as `started`."""
    return started(name, [sys.executable, *arguments], environment, is_pinned=is_pinned)


@contextmanager
def started(
    name: str, argv: Sequence[str], environment: Mapping[str, str], *, is_pinned: bool = True
) -> Iterator[Server]:
    """A server from when it says its address until the block ends."""
    whole = {**os.environ, **environment}
    with subprocess.Popen(argv, cwd=CHECKOUT, env=whole, stdout=subprocess.PIPE, text=True) as child:
        if is_pinned:
            pin(child.pid, SERVER_CORE)
        try:
            said = child.stdout.readline() if child.stdout else ""
            if "http://" not in said:
                raise SystemExit(f"{name} did not start: {said}")
            port = int(said.partition("http://")[2].partition("/")[0].rpartition(":")[2])
            yield Server(name, child.pid, port)
        finally:
            child.terminate()


def pin(pid: int, core: int | None) -> None:
    """Threads and children that it has from now on stay on that core, too."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


class Talk(subprocess.Popen[str]):
    """A module that reads JSON from its standard input and writes JSON to its standard output.

    Both are files: of megabytes that went through a pipe after uvloop had run, some came without their middle
    (seen 2026-11-21 on a busy machine).
    """

    def __init__(self, module: str, given: object, folder: Path) -> None:
        asked, self.told = folder / "asked.json", folder / "told.json"
        asked.write_text(json.dumps(given))
        with asked.open() as source, self.told.open("w") as sink:
            super().__init__([sys.executable, "-m", module], cwd=CHECKOUT, stdin=source, stdout=sink, text=True)

    def answer(self) -> Any:  # noqa: ANN401 - JSON.
        """Once it has ended. Raises SystemExit if it failed."""
        if self.wait():
            raise SystemExit("The load generator failed.")
        return json.loads(self.told.read_text())


@contextmanager
def said_to(module: str, given: object) -> Iterator[Talk]:
    with tempfile.TemporaryDirectory() as folder, Talk(module, given, Path(folder)) as child:
        yield child


def fired(
    port: int,
    connections: int,
    seconds: float,
    pollers: list[Poller],
    *,
    follows_etags: bool = False,
    is_pinned: bool = True,
) -> Found:
    """What came back, from a load generator in a process of its own; the pollers keep the newest ETags."""
    shot = asdict(Shot(port, connections, seconds, pollers, follows_etags, OTHER_CORE if is_pinned else None))
    with said_to("benchmarks.load", shot) as child:
        child.wait()
        found = Found(**child.answer())
    for poller, etag in zip(pollers, found.etags, strict=True):
        if poller.etag != etag:
            poller.keep(etag)
    return found
