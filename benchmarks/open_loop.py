"""A load generator in a process of its own that asks so many times a second, whether or not answers come.

It reads one `Stream` as JSON from standard input, and writes one `Arrived` to standard output. Time counts from the
moment a request was due, so that a server that stands still is not asked more kindly.
"""

import asyncio
import json
import random
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from time import perf_counter, process_time
from typing import Any

import uvloop

from benchmarks.load import END_OF_HEAD, PATIENCE_S, Poller, header

FAULTS = (b'{"errors"', b'"userErrors":[{')
"""In the answer to a query, and to a mutation that was refused."""


@dataclass
class Kind:
    """Requests of one kind, one after the other and from the beginning again; `share` of all in a hundred."""

    name: str
    share: int
    pollers: list[Poller]
    follows_etags: bool = False


@dataclass
class Stream:
    port: int
    connections: int
    seconds: float
    per_s: float
    kinds: list[Kind]


@dataclass
class Arrived:
    """By kind: statuses, answers that tell of a fault, and milliseconds from when each was due."""

    per_s: float
    statuses: dict[str, dict[str, int]]
    faults: dict[str, int]
    times_ms: dict[str, list[float]]
    unanswered: int
    busy: float
    first_fault: str


class Traffic:
    """Requests that are due, connections that are free, and what has come back."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.due: deque[tuple[float, Kind, Poller]] = deque()
        self.free: deque[Wire] = deque()
        self.statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self.faults: Counter[str] = Counter()
        self.times: dict[str, list[float]] = defaultdict(list)
        self.first_fault = ""
        self.asked = self.answered = 0

    async def send(self) -> None:
        """Everything that is due, as soon as it is, for the seconds that the stream lasts."""
        begun, kinds = perf_counter(), self._kinds()
        total = int(self.stream.per_s * self.stream.seconds)
        while self.asked < total:
            wanted = min(total, int((perf_counter() - begun) * self.stream.per_s) + 1)
            while self.asked < wanted:
                kind, poller = next(kinds)
                self.due.append((begun + self.asked / self.stream.per_s, kind, poller))
                self.asked += 1
            self.dispatch()
            await asyncio.sleep(0.001)

    def dispatch(self) -> None:
        while self.due and self.free:
            self.free.popleft().ask(*self.due.popleft())

    def _kinds(self) -> Iterator[tuple[Kind, Poller]]:
        """Always the same disorder."""
        hundred = [kind for kind in self.stream.kinds for _ in range(kind.share)]
        random.Random(1).shuffle(hundred)
        turns = {kind.name: cycle(kind.pollers) for kind in self.stream.kinds}
        for kind in cycle(hundred):
            yield kind, next(turns[kind.name])


class Wire(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.got = bytearray()

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvloop's.
        self.transport = transport
        self.traffic.free.append(self)

    def ask(self, due: float, kind: Kind, poller: Poller) -> None:
        self.since, self.kind, self.poller = due, kind, poller
        self.transport.write(poller.raw)

    def data_received(self, part: bytes) -> None:
        self.got += part
        end = self.got.find(END_OF_HEAD)
        if end < 0:
            return
        head, status = bytes(self.got[:end]), self.got[9:12].decode()
        length = 0 if status == "304" else int(header(head, b"content-length") or 0)
        if len(self.got) >= end + 4 + length:
            body = bytes(self.got[end + 4 : end + 4 + length])
            self.got.clear()
            self._heard(status, head, body)

    def _heard(self, status: str, head: bytes, body: bytes) -> None:
        traffic, name = self.traffic, self.kind.name
        traffic.answered += 1
        traffic.times[name].append((perf_counter() - self.since) * 1_000)
        traffic.statuses[name][status] += 1
        if status not in {"200", "304"} or any(fault in body for fault in FAULTS):
            traffic.faults[name] += 1
            traffic.first_fault = traffic.first_fault or f"{name}: {status} {body[:300].decode(errors='replace')}"
        if status == "200" and self.kind.follows_etags:
            self.poller.keep(header(head, b"etag").decode())
        traffic.free.append(self)
        traffic.dispatch()


async def run(stream: Stream) -> Arrived:
    loop, traffic = asyncio.get_running_loop(), Traffic(stream)
    for _ in range(stream.connections):
        await loop.create_connection(lambda: Wire(traffic), "127.0.0.1", stream.port)
    begun, cpu = perf_counter(), process_time()
    await traffic.send()
    ends = perf_counter() + PATIENCE_S
    while traffic.answered < traffic.asked and perf_counter() < ends:  # noqa: ASYNC110 - the last answers of a run.
        await asyncio.sleep(0.01)
    took = perf_counter() - begun
    statuses = {name: dict(found) for name, found in traffic.statuses.items()}
    busy = (process_time() - cpu) / took
    unanswered = traffic.asked - traffic.answered
    told = (statuses, dict(traffic.faults), dict(traffic.times), unanswered, busy, traffic.first_fault)
    return Arrived(traffic.answered / took, *told)


def main() -> None:
    given = json.load(sys.stdin)
    kinds = [
        Kind(**kind | {"pollers": [Poller(**poller) for poller in kind["pollers"]]}) for kind in given.pop("kinds")
    ]
    json.dump(asdict(uvloop.run(run(Stream(**given, kinds=kinds)))), sys.stdout)


if __name__ == "__main__":
    main()
