"""`make bench-polling`: what a poll that finds nothing costs, against a bare endpoint that answers 200 bytes.

One worker each, pinned to one core, the load and PostgreSQL beside it; rounds that take turns, and their medians.
"""

import argparse
import asyncio
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks import polls
from benchmarks.bulk import copied
from benchmarks.feed_sql import database
from benchmarks.load import Found, Poller
from benchmarks.served import BARE, SERVICE, UNCACHED, Server, fired, running
from benchmarks.spoken import Spoken
from feed_service.embedded import valkey

RESULTS = Path(__file__).parent / "results" / "polling.json"
COPY = "bench_polling"
VIEWERS = 200
CONNECTIONS = (16, 64)

MOST_STATEMENTS = 1.0
MOST_BUSY = 0.9
"""A load generator that is busier than this may be what was measured."""


@dataclass(frozen=True)
class Case:
    """What is sent to whom. `is_unchanged`: nothing but 304 is expected once the ETags are known."""

    name: str
    server: Server
    pollers: list[Poller]
    follows_etags: bool = False
    is_unchanged: bool = False


@dataclass(frozen=True)
class Measured:
    """One shot. `cpu_us` is of the server's process for each request; `busy` is its share of its core."""

    case: str
    connections: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    busy: float
    load_busy: float
    statuses: dict[str, int]

    def __str__(self) -> str:
        times = f"{self.per_s:>9,.0f}/s {self.p50_ms:>8.2f} {self.p99_ms:>8.2f} ms {self.cpu_us:>8.1f} µs"
        return f"{self.case:24} {self.connections:>3} {times} {self.busy:>6.0%} {self.load_busy:>6.0%} {self.statuses}"


def shot(case: Case, connections: int, seconds: float) -> Measured:
    before = case.server.cpu_s()
    found = fired(case.server.port, connections, seconds, case.pollers, follows_etags=case.follows_etags)
    cpu, answers = case.server.cpu_s() - before, sum(found.statuses.values())
    unwanted = set(found.statuses) - {"200", "304"}
    if unwanted or (case.is_unchanged and found.statuses.get("304", 0) < 0.9 * answers):
        raise SystemExit(f"{case.name}: {found.statuses}")
    busy = cpu / found.seconds
    times = (round(found.per_s, 1), found.p50_ms, found.p99_ms, round(cpu / answers * 1e6, 1), round(busy, 2))
    return Measured(case.name, connections, *times, found.busy, found.statuses)


def asked(server: Server, pollers: list[Poller], *, follows_etags: bool = False) -> list[Any]:
    """Each once, in order: the data of the answers."""
    found: Found = fired(server.port, 1, 0, pollers, follows_etags=follows_etags)
    answers = [orjson.loads(body) for body in found.bodies if body]
    if bad := [answer for answer in answers if "errors" in answer]:
        raise SystemExit(f"{pollers[0].head} {bad[0]}")
    return [answer["data"] for answer in answers]


def cases(bare: Server, served: Server, uncached: Server, tokens: list[str]) -> list[Case]:
    """Everything has been asked for once: documents are registered, ETags and tokens are known."""
    found = [Case("bare", bare, polls.bare())]
    for name, document in (("304", polls.FEED), ("304, with numbers", polls.NUMBERED_FEED)):
        asked(served, polls.persisted(document, tokens[:1], names_text=True))
        pollers = polls.persisted(document, tokens)
        asked(served, pollers, follows_etags=True)
        found.append(Case(name, served, pollers, follows_etags=True, is_unchanged=document == polls.FEED))
    heads = asked(served, polls.posted(polls.HEAD, tokens, [{} for _ in tokens]))
    since: list[dict[str, object]] = [{"since": answer["feedHead"]["token"]} for answer in heads]
    found.append(Case("feedHead", served, polls.posted(polls.HEAD, tokens, since)))
    return found + popular_cases(served, uncached)


def popular_cases(served: Server, uncached: Server) -> list[Case]:
    """The same answer from the cache, from a frozen generation, and from nothing but tables."""
    frozen, live = (polls.posted(polls.POPULAR, [""], [given]) for given in ({}, polls.LIVE_RANKING))
    found = [Case("popular, cached", served, frozen), Case("popular, generation", uncached, frozen)]
    found.append(Case("popular, uncached", uncached, live))
    if any(asked(case.server, case.pollers) != asked(served, frozen) for case in found):
        raise SystemExit("The popular feed is another one without the cache.")
    return found


def rounds(what: list[Case], count: int, seconds: float) -> list[list[Measured]]:
    found = []
    for number in range(count):
        print(f"round {number + 1} of {count}")
        found.append([shot(case, connections, seconds) for case in what for connections in CONNECTIONS])
        print(*found[-1], sep="\n", flush=True)
    return found


def ratios(found: list[list[Measured]]) -> dict[tuple[str, int], float]:
    """Of requests per second over those of the bare endpoint in the same round: medians."""
    of: dict[tuple[str, int], list[float]] = defaultdict(list)
    for lines in found:
        speeds = {(line.case, line.connections): line.per_s for line in lines}
        for (case, connections), per_s in speeds.items():
            of[case, connections].append(per_s / speeds["bare", connections])
    return {key: round(median(values), 3) for key, values in of.items()}


def targets(found: list[list[Measured]], spoken: dict[str, Any]) -> list[dict[str, Any]]:
    ratio, lines = ratios(found), []
    for connections in CONNECTIONS:
        popular = ratio["popular, cached", connections] / ratio["popular, uncached", connections]
        for name, value, bound in (
            ("304 over bare", ratio["304", connections], 0.5),
            ("feedHead by POST over bare", ratio["feedHead", connections], 0.25),
            ("popular, cached over uncached", round(popular, 2), 3.0),
        ):
            named = f"{name}, {connections} connections"
            lines.append({"name": named, "value": value, "bound": bound, "ok": value >= bound})
    most, bound = spoken["per_viewer_and_s"], MOST_STATEMENTS
    name = "statements per viewer and second, 304"
    return [*lines, {"name": name, "value": most, "bound": bound, "ok": most <= bound}]


def spoken_to_postgres(url: str, case: Case, seconds: float) -> dict[str, Any]:
    """What reaches PostgreSQL while `case` runs, by statement."""
    with Spoken(url) as spoken:
        found = fired(case.server.port, CONNECTIONS[-1], seconds, case.pollers, follows_etags=True)
        return spoken.summary(found, len(case.pollers))


def medians(found: list[list[Measured]], value: Callable[[Measured], float]) -> dict[str, float]:
    columns = zip(*found, strict=True)
    return {f"{lines[0].case}, {lines[0].connections}": round(median(map(value, lines)), 1) for lines in columns}


def run(url: str, count: int, seconds: float) -> dict[str, Any]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache = stack.enter_context(valkey.running(folder / "valkey"))
        shared = {"DATABASE_URL": url, "FEED_DATA_DIR": str(folder), "FEED_JOBS": "off"}
        tokens = asyncio.run(polls.access_tokens(url, folder, VIEWERS))
        bare = stack.enter_context(running("the bare endpoint", BARE, {}))
        served = stack.enter_context(running("the service", SERVICE, shared | {"CACHE_URL": cache.url}))
        uncached = stack.enter_context(running("the service without a cache", UNCACHED, shared | polls.UNCACHED))
        what = cases(bare, served, uncached, tokens)
        found = rounds(what, count, seconds)
        spoken = spoken_to_postgres(url, what[1], 4 * seconds)
        resident = {server.name: round(server.resident_mb(), 1) for server in (bare, served, uncached)}
    if any(line.load_busy > MOST_BUSY for lines in found for line in lines):
        print("The load generator was the bottleneck: the ratios are too good or too bad.")
    return {
        "targets": targets(found, spoken),
        "over_bare": {f"{case}, {connections}": value for (case, connections), value in ratios(found).items()},
        "per_s": medians(found, lambda line: line.per_s),
        "cpu_us": medians(found, lambda line: line.cpu_us),
        "server_busy": medians(found, lambda line: 100 * line.busy),
        "statements": spoken,
        "resident_mb": resident,
        "rounds": [[asdict(line) for line in lines] for lines in found],
    }


@contextmanager
def copy_of(url: str, name: str = COPY) -> Iterator[str]:
    """Servers are started from the main thread without a running loop, which `copied` needs before and after them."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(stack.enter_async_context(copied(url, name)))
        finally:
            runner.run(stack.aclose())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database, which stays as it is; its server gets a copy of it")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=2.0)
    given = arguments.parse_args()
    load = os.getloadavg()[1]
    with database(given.url, given.folder) as url, copy_of(url) as copy:
        report = run(copy, given.rounds, given.seconds)
    for target in report["targets"]:
        print("met   " if target["ok"] else "MISSED", target)
    print("over bare:", report["over_bare"], "\nstatements:", report["statements"], "\nMB:", report["resident_mb"])
    RESULTS.parent.mkdir(exist_ok=True)
    at = {"at": datetime.now(UTC).isoformat(), "load": round(load, 1), "cores": os.cpu_count()}
    RESULTS.write_text(json.dumps(at | report, indent=1) + "\n")


if __name__ == "__main__":
    main()
