"""What processes cost: their CPU, their memory, and what everybody else uses of the machine meanwhile."""

import asyncio
import os
import resource
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pids: Iterable[int]) -> float:
    """CPU of all threads of these processes, to the nanosecond; those that are gone count nothing."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)  # The clock of another process: clock_getcpuclockid(3).
        except OSError:
            continue
    return total


def tree(pid: int) -> list[int]:
    """A process and its children's children."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        if fields := stat_fields(int(folder.name)):
            children[int(fields[1])].append(int(folder.name))
    found = [pid]
    for parent in found:
        found += children[parent]
    return found


def stat_fields(pid: int) -> list[str]:
    """From the state on, behind the name, which may hold anything; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def resident_mb(pids: Iterable[int]) -> float:
    pages = 0
    for pid in pids:
        fields = stat_fields(pid)
        pages += int(fields[21]) if fields else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


@dataclass(frozen=True)
class Postgres:
    """A server on this machine by the process that all its others come from; None: it runs elsewhere."""

    pid: int | None

    @classmethod
    def of(cls, url: str) -> "Postgres":
        return cls(asyncio.run(_postmaster(url)))

    def cpu_s(self) -> float:
        """With what its processes used that have ended."""
        if self.pid is None:
            return 0.0
        fields = stat_fields(self.pid)
        return cpu_s(tree(self.pid)) + (int(fields[13]) + int(fields[14])) / TICKS_PER_S

    @contextmanager
    def pinned(self, core: int | None) -> Iterator[None]:
        """All its processes on one core until the block ends; with a notice if that is not allowed."""
        if self.pid is None or core is None:
            print("PostgreSQL is not pinned: it runs elsewhere, or there is one core only.")
            yield
            return
        before = os.sched_getaffinity(self.pid)
        try:
            self._pin({core})
        except PermissionError:
            print("PostgreSQL is not pinned: its processes are another user's.")
            yield
            return
        try:
            yield
        finally:
            self._pin(before)

    def _pin(self, cores: set[int]) -> None:
        assert self.pid is not None  # noqa: S101 - `pinned` has seen it.
        for pid in tree(self.pid):
            try:
                os.sched_setaffinity(pid, cores)
            except ProcessLookupError:
                continue


async def _postmaster(url: str) -> int | None:
    """The parent of the process that serves a connection, if that is one of this machine."""
    connection = await asyncpg.connect(url)
    try:
        local = "SELECT coalesce(inet_client_addr() = inet_server_addr(), true)"
        backend, is_local = connection.get_server_pid(), await connection.fetchval(local)
        fields = stat_fields(backend)
        return int(fields[1]) if is_local and is_postgres(backend) else None
    finally:
        await connection.close()


def is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False


def own_s() -> float:
    """CPU of this process and of its children that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def machine_s() -> float:
    """CPU that anybody has used or that was taken from us, but for interrupts, as our own packets make them."""
    user, nice, system, _idle, _waiting, _irq, _softirq, stolen = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + stolen) / TICKS_PER_S
