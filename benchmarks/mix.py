"""`make bench-mix`: polls, pages, threads and writes at a steady 1,000 requests a second, on two workers.

Nothing is pinned: the workers, PostgreSQL, Valkey and the load share the machine.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson

from benchmarks import asking, polls
from benchmarks.asking import Cast, Operation, tokens_of
from benchmarks.cost import cpu_s, resident_mb, tree
from benchmarks.durations import Durations
from benchmarks.feed_sql import database
from benchmarks.judging import Target
from benchmarks.load import Poller
from benchmarks.machine import described, in_words
from benchmarks.open_loop import Arrived, Kind, Stream
from benchmarks.polling import copy_of
from benchmarks.served import SERVICE, Server, fired, running, said_to
from benchmarks.write_mix import KINDS, casts, mutation
from feed_service.app import signing_keys
from feed_service.settings import Settings

RESULTS = Path(__file__).parent / "results" / "mix.json"
COPY = "bench_mix"
PER_S = 1_000
WORKERS = 2
CONNECTIONS = 64
WRITERS = 400
LOOK_EVERY_S = 0.25

MOST_MS, MOST_STATEMENT_MS = 100.0, 50.0
LEAST_OF_RATE = 0.99
LEAST_OF_WORKERS = 1.7
CORES_FOR_TWO = 4
"""Two workers, PostgreSQL and the load have a core each."""


def kinds_of(url: str, port: int, cast: Cast, environment: Mapping[str, str]) -> list[Kind]:
    """70 % polls of people who have seen everything, half of them by ETag; 20 % feeds, 5 % threads, 5 % writes."""
    keys = signing_keys(Settings.from_environment(environment))
    tokens = tokens_of(cast.viewers, keys)
    people = [tokens[viewer] for viewer in cast.viewers]
    feed, thread, head = (asking.operation(name, cast) for name in ("feed", "thread", "head"))
    fired(port, 1, 0, polls.persisted(polls.FEED, people[:1], names_text=True))
    by_etag = polls.persisted(polls.FEED, people)
    fired(port, 1, 0, by_etag, follows_etags=True)
    return [
        Kind("poll by ETag", 35, by_etag, follows_etags=True),
        Kind("poll of the head", 35, since(port, head, tokens)),
        Kind("feed page", 20, feed.pollers(tokens)),
        Kind("thread", 5, thread.pollers(tokens)),
        Kind("write", 5, writes(url, cast, environment)),
    ]


def since(port: int, head: Operation, tokens: Mapping[int, str]) -> list[Poller]:
    first = Operation(head.name, head.document.replace("SyncToken!", "SyncToken"), head.turns)
    told = [orjson.loads(body)["data"]["feedHead"]["token"] for body in fired(port, 1, 0, first.pollers(tokens)).bodies]
    turns = [(viewer, {"since": token}) for (viewer, _), token in zip(head.turns, told, strict=True)]
    return Operation(head.name, head.document, turns).pollers(tokens)


def writes(url: str, cast: Cast, environment: Mapping[str, str]) -> list[Poller]:
    """Likes, comments, follows and posts, by people who do not poll, and no two of them the same."""
    everyone = asyncio.run(casts(url, WRITERS + len(cast.viewers)))
    writers = [one for one in everyone if one.user_id not in cast.viewers][:WRITERS]
    keys = signing_keys(Settings.from_environment(environment))
    tokens = tokens_of([one.user_id for one in writers], keys)
    sent = [mutation(kind, one, shows=True) for one in writers for kind in KINDS]
    return [Poller(polls.head("POST", "/graphql", tokens[one.user_id]), one.body.decode()) for one in sent]


def streamed(url: str, stream: Stream) -> tuple[Arrived, Durations]:
    """What came back, and how long PostgreSQL took meanwhile."""
    durations = Durations(url)
    with asyncio.Runner() as runner:
        runner.run(durations.begin())
        with said_to("benchmarks.open_loop", asdict(stream)) as child:
            while child.poll() is None:
                time.sleep(LOOK_EVERY_S)
                runner.run(durations.look())
            arrived = Arrived(**child.answer())
        runner.run(durations.end())
    return arrived, durations


def percentiles(times: Sequence[float]) -> dict[str, float]:
    at = quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return {"p50_ms": round(at[49], 2), "p95_ms": round(at[94], 2), "p99_ms": round(at[98], 2)}


def mixed(url: str, cast: Cast, seconds: float, per_s: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": folder, "FEED_JOBS": "off"}
        with running("the service", (*SERVICE, "--workers", str(WORKERS)), environment, is_pinned=False) as server:
            kinds = kinds_of(url, server.port, cast, environment)
            streamed(url, Stream(server.port, CONNECTIONS, seconds / 4, per_s / 2, kinds))
            before = cpu_s(tree(server.pid))
            arrived, durations = streamed(url, Stream(server.port, CONNECTIONS, seconds, per_s, kinds))
            cpu = cpu_s(tree(server.pid)) - before
            resident = resident_mb(tree(server.pid))
    times = [time for found in arrived.times_ms.values() for time in found]
    return {
        "asked_per_s": per_s,
        "answered_per_s": round(arrived.per_s, 1),
        "seconds": seconds,
        "all": percentiles(times),
        "kinds": {
            name: percentiles(found) | {"statuses": arrived.statuses[name]} for name, found in arrived.times_ms.items()
        },
        "faults": sum(arrived.faults.values()) + arrived.unanswered,
        "first_fault": arrived.first_fault,
        "load_busy": round(arrived.busy, 2),
        "service_cpu_ms": round(cpu / len(times) * 1_000, 3),
        "resident_mb_in_all": round(resident, 1),
        "statements": {
            "per_s": round(durations.count / seconds, 1),
            "mean_ms": round(durations.mean_ms, 3),
            "p95_ms_at_most": round(durations.bound_ms, 2),
        },
    }


def workers_speed(url: str, cast: Cast, seconds: float) -> dict[str, float]:
    """FEEDs per second of one worker and of two, nothing pinned."""
    speeds = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": folder, "FEED_JOBS": "off"}
        tokens = tokens_of(cast.viewers, signing_keys(Settings.from_environment(environment)))
        pollers = asking.operation("feed", cast).pollers(tokens)
        for workers in (1, WORKERS):
            arguments = (*SERVICE, "--workers", str(workers))
            with running("the service", arguments, environment, is_pinned=False) as server:
                speeds[str(workers)] = speed(server, pollers, seconds)
    return speeds


def speed(server: Server, pollers: list[Poller], seconds: float) -> float:
    fired(server.port, 2 * 16, seconds / 2, pollers, is_pinned=False)
    return round(fired(server.port, 2 * 16, seconds, pollers, is_pinned=False).per_s, 1)


def measured(url: str, seconds: float, per_s: int = PER_S) -> tuple[dict[str, Any], list[Target]]:
    cast = Cast.of(url)
    found = mixed(url, cast, seconds, per_s)
    found["feeds_per_s_by_workers"] = speeds = workers_speed(url, cast, min(4.0, seconds))
    print(json.dumps(found, indent=1), flush=True)
    return found, targets(found, speeds)


def targets(found: dict[str, Any], speeds: dict[str, float]) -> list[Target]:
    cores = os.cpu_count() or 1
    ratio, note = round(speeds[str(WORKERS)] / speeds["1"], 2), f"on {cores} cores"
    if cores < CORES_FOR_TWO:
        workers = Target("two workers over one, FEED requests/s", None, LEAST_OF_WORKERS, False, f"{ratio} {note}")
    else:
        workers = Target("two workers over one, FEED requests/s", ratio, LEAST_OF_WORKERS, False, note)
    rate = round(found["answered_per_s"] / found["asked_per_s"], 3)
    statements = found["statements"]["p95_ms_at_most"]
    return [
        Target(
            f"polling mix: answered of {found['asked_per_s']:,} requests/s asked", rate, LEAST_OF_RATE, is_at_most=False
        ),
        Target("polling mix: faults", found["faults"], 0, is_at_most=True, note=found["first_fault"]),
        Target("polling mix: p95 of requests, ms", found["all"]["p95_ms"], MOST_MS, is_at_most=True),
        Target("polling mix: p95 of statements, ms", statements, MOST_STATEMENT_MS, True, "at most"),
        workers,
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database, which stays as it is; its server gets a copy of it")
    arguments.add_argument("--in-place", action="store_true", help="no copy: the database at --url is written to")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--per-s", type=int, default=PER_S)
    given = arguments.parse_args()
    with database(given.url, given.folder) as url, nullcontext(url) if given.in_place else copy_of(url, COPY) as copy:
        about = described(copy)
        found, lines = measured(copy, given.seconds, given.per_s)
    print(in_words(about), *lines, sep="\n")
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"targets": [line.line() for line in lines], "machine": about, "mix": found}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
