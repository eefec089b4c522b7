"""A load generator in a process of its own: asks over kept connections, and follows ETags as a browser would.

It reads one `Shot` as JSON from standard input, and writes one `Found` to standard output. uvloop and a protocol of few
lines send some 40,000 requests a second, four times what the leanest server in Python answers, so that the server is
what is measured; `busy` in the answer shows it.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import cycle
from statistics import quantiles
from time import perf_counter, process_time
from typing import Any

import uvloop

END_OF_HEAD = b"\r\n\r\n"
PATIENCE_S = 60.0


@dataclass
class Poller:
    """One viewer's request: its head without the empty line, its body, and the ETag of the last 200."""

    head: str
    body: str = ""
    etag: str = ""

    def __post_init__(self) -> None:
        self.raw = self._raw()

    def keep(self, etag: str) -> None:
        self.etag = etag
        self.raw = self._raw()

    def _raw(self) -> bytes:
        condition = f"If-None-Match: {self.etag}\r\n" if self.etag else ""
        length = f"Content-Length: {len(self.body.encode())}\r\n" if self.body else ""
        return f"{self.head}{condition}{length}\r\n{self.body}".encode()


@dataclass
class Shot:
    """What to send, over how many connections. Each poller asks once before the clock starts if `seconds` is 0."""

    port: int
    connections: int
    seconds: float
    pollers: list[Poller]
    follows_etags: bool = False
    core: int | None = None


@dataclass
class Found:
    """Answers by status in `seconds`; milliseconds; `busy` is the share of its core that this process used."""

    statuses: dict[str, int]
    seconds: float
    per_s: float
    p50_ms: float
    p99_ms: float
    busy: float
    etags: list[str]
    bodies: list[str] = field(default_factory=list)


class Volley:
    """What the connections of a shot share: whose turn it is, and what has come back."""

    def __init__(self, shot: Shot) -> None:
        self.shot = shot
        self.is_once = not shot.seconds
        self.turns = iter(shot.pollers) if self.is_once else cycle(shot.pollers)
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.bodies: list[str] = []
        self.ends = perf_counter() + (shot.seconds or PATIENCE_S)

    def turn(self) -> Poller | None:
        return None if perf_counter() > self.ends else next(self.turns, None)


class Line(asyncio.Protocol):
    """One kept connection; `done` when its last answer is whole, or the server has hung up."""

    def __init__(self, volley: Volley, done: "asyncio.Future[None]") -> None:
        self.volley = volley
        self.done = done
        self.got = b""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvloop's.
        self.transport = transport
        self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("The server has hung up."))

    def data_received(self, part: bytes) -> None:
        self.got += part
        end = self.got.find(END_OF_HEAD)
        if end < 0:
            return
        head, status = self.got[:end], self.got[9:12].decode()
        length = 0 if status == "304" else int(header(head, b"content-length") or 0)
        if len(self.got) >= end + 4 + length:
            self._heard(status, head, self.got[end + 4 : end + 4 + length])

    def _heard(self, status: str, head: bytes, body: bytes) -> None:
        volley, self.got = self.volley, b""
        volley.times.append(perf_counter() - self.sent)
        volley.statuses[status] += 1
        if volley.is_once:
            volley.bodies.append(body.decode())
        if status == "200" and volley.shot.follows_etags:
            self.poller.keep(header(head, b"etag").decode())
        self._ask()

    def _ask(self) -> None:
        poller = self.volley.turn()
        if poller is None:
            self.done.set_result(None)
            self.transport.close()
            return
        self.poller, self.sent = poller, perf_counter()
        self.transport.write(poller.raw)


def header(head: bytes, name: bytes) -> bytes:
    """The value of a header, empty without one; `name` is in small letters, as uvicorn writes it, and Node does not."""
    start = head.find(b"\r\n" + name + b": ")
    if start < 0:
        start = head.lower().find(b"\r\n" + name + b": ")
    return b"" if start < 0 else head[start + len(name) + 4 :].partition(b"\r\n")[0]


async def fire(shot: Shot) -> Found:
    """With `seconds` 0 in the order of the pollers, by one connection, keeping the bodies."""
    loop, volley = asyncio.get_running_loop(), Volley(shot)
    lines = [loop.create_future() for _ in range(1 if volley.is_once else shot.connections)]
    begun, cpu = perf_counter(), process_time()
    for done in lines:
        await loop.create_connection(partial(Line, volley, done), "127.0.0.1", shot.port)
    async with asyncio.timeout(shot.seconds + PATIENCE_S):
        await asyncio.gather(*lines)
    took, cpu = perf_counter() - begun, process_time() - cpu
    at = quantiles(volley.times, n=100) if len(volley.times) > 1 else [0.0] * 99
    etags = [poller.etag for poller in shot.pollers]
    times = (round(at[49] * 1_000, 3), round(at[98] * 1_000, 3), round(cpu / took, 2))
    return Found(dict(volley.statuses), took, len(volley.times) / took, *times, etags, volley.bodies)


def main() -> None:
    given = json.load(sys.stdin)
    shot = Shot(**given | {"pollers": [Poller(**poller) for poller in given["pollers"]]})
    if shot.core is not None:
        os.sched_setaffinity(0, {shot.core})
    json.dump(asdict(uvloop.run(fire(shot))), sys.stdout)


if __name__ == "__main__":
    main()
