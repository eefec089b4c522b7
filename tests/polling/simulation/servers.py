"""The servers as processes of their own: the service, of which each can be killed, and a Valkey to do harm to."""

import asyncio
import os
import re
import secrets
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from feed_service.embedded import binaries

CHECKOUT = Path(__file__).parents[3]
READY_WITHIN_S = 60.0
ENTRY = re.compile(r"^(?=[A-Z]+ [\w.]+: )", re.MULTILINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def ended(process: Process | None) -> None:
    """Killed, whatever state it is in."""
    if process is not None and process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@dataclass
class Service:
    """`feed-service serve` with one worker. What it logs goes to `log`."""

    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: Process | None = None

    async def start(self) -> None:
        argv = [sys.executable, "-m", "feed_service.cli", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *argv, cwd=CHECKOUT, env={**os.environ, **self.environment}, stdin=DEVNULL, stdout=PIPE, stderr=log
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(READY_WITHIN_S):
            said = await self.process.stdout.readline()
        assert b"http://" in said, f"The service did not start: {self.log.read_text()}"

    async def stop(self) -> None:
        """As an operator does it."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def kill(self) -> None:
        await ended(self.process)

    def complaints(self) -> list[str]:
        """What it logged as an error, with its traceback. A cache or a database that is away is a warning."""
        entries = ENTRY.split(self.log.read_text(errors="replace"))
        return [entry.rstrip() for entry in entries if entry.startswith(("ERROR", "CRITICAL", "Traceback"))]


@dataclass
class Valkey:
    """On the same port with the same password every time it is started."""

    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            str(binaries.valkey_program()), "-", stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
        )
        lines = (f"port {self.port}", "bind 127.0.0.1", f"requirepass {self.password}", 'save ""', "appendonly no")
        assert self.process.stdin is not None
        self.process.stdin.write("\n".join(lines).encode() + b"\n")
        self.process.stdin.close()
        async with asyncio.timeout(READY_WITHIN_S):
            while not await self._says("PING", "+PONG"):  # noqa: ASYNC110 - another process's.
                await asyncio.sleep(0.02)

    async def flush(self) -> None:
        assert await self._says("FLUSHALL", "+OK")

    async def kill(self) -> None:
        await ended(self.process)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def _says(self, command: str, answer: str) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.write(f"AUTH {self.password}\r\n{command}\r\n".encode())
        said = [await reader.readline(), await reader.readline()]
        writer.close()
        return said == [b"+OK\r\n", f"{answer}\r\n".encode()]


@asynccontextmanager
async def running(folder: Path, database_url: str, count: int = 2) -> AsyncIterator[tuple[list[Service], Valkey]]:
    """Processes of the service that share a Valkey, a database and signing keys; none is left at the end."""
    valkey = Valkey()
    environment = {"DATABASE_URL": database_url, "CACHE_URL": valkey.url, "FEED_DATA_DIR": str(folder / "data")}
    services = [Service(environment, folder / f"service-{number}.log") for number in range(count)]
    try:
        await valkey.start()
        await asyncio.gather(*(service.start() for service in services))
        yield services, valkey
        await asyncio.gather(*(service.stop() for service in services))
    finally:
        await asyncio.gather(*(service.kill() for service in services), valkey.kill())
