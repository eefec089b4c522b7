"""`make bench`: the service beside its peers on one database, and the table of targets of all benchmarks of speed.

A server runs alone on one core; PostgreSQL and the load share the other. Runs take turns; the figures are medians.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks import asking, executor, followees, mix, sizes
from benchmarks.asking import Cast
from benchmarks.chart import chart
from benchmarks.cost import Postgres
from benchmarks.entrants import OURS, PLAIN, Entrant, disagreements, operations, running_all
from benchmarks.feed_sql import database
from benchmarks.judging import LIMIT, MERCURIUS, Target, raw, table, targets
from benchmarks.machine import described, in_words
from benchmarks.peers.started import NAMES as PEERS
from benchmarks.polling import copy_of
from benchmarks.rounds import Effort, Figure, Range, figures, rounds, warmed
from benchmarks.served import OTHER_CORE
from feed_service.embedded.signals import unwinding

RESULTS = Path(__file__).parent / "results" / "latest.json"
CHART = RESULTS.with_suffix(".svg")
COPY = "bench_run"
COMPARED = 40
PARTS = ("peers", "followees", "executor", "mix")


@dataclass(frozen=True)
class Wanted:
    """What to measure, and for how long."""

    effort: Effort
    operations: Sequence[str]
    entrants: Sequence[str]
    parts: Sequence[str]
    mix_seconds: float

    @property
    def is_quick(self) -> bool:
        return self.effort.rounds == 1


def main() -> None:
    with unwinding():
        run(arguments().parse_args())


def run(given: argparse.Namespace) -> None:
    wanted = Wanted(
        Effort(1, 2.0, again=0) if given.quick else Effort(given.rounds, given.seconds),
        given.operations.split(","),
        [*OURS, *given.peers.split(",")] if given.peers else list(OURS),
        given.parts.split(","),
        6.0 if given.quick else 30.0,
    )
    with database(given.url, given.folder) as url, nullcontext(url) if given.in_place else copy_of(url, COPY) as copy:
        about = described(copy)
        asyncio.run(vacuumed(copy))
        report, judged = measured(copy, wanted)
    print("", in_words(about), *judged, sep="\n")
    RESULTS.parent.mkdir(exist_ok=True)
    lines = [target.line() for target in judged]
    RESULTS.write_text(json.dumps({"targets": lines, "machine": about} | report, indent=1) + "\n")


def arguments() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__)
    found.add_argument("--url", help="a seeded database, which stays as it is; its server gets a copy of it")
    found.add_argument(
        "--in-place", action="store_true", help="no copy: the database at --url is vacuumed and written to"
    )
    found.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    found.add_argument("--rounds", type=int, default=5)
    found.add_argument("--seconds", type=float, default=3.0)
    found.add_argument("--operations", default=",".join(asking.NAMES))
    found.add_argument("--peers", default=",".join(PEERS))
    found.add_argument("--parts", default=",".join(PARTS), help="without a part, its targets are not judged")
    found.add_argument("--quick", action="store_true", help="one round of two seconds each: to see that all works")
    return found


async def vacuumed(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def measured(url: str, wanted: Wanted) -> tuple[dict[str, Any], list[Target]]:
    """The raw figures by part, and all targets. PostgreSQL is pinned for the peers alone."""
    report: dict[str, Any] = {}
    judged: list[Target] = []
    if "peers" in wanted.parts:
        found = beside_peers(url, wanted)
        report["figures"], judged = raw(found), targets(found)
        CHART.parent.mkdir(exist_ok=True)
        CHART.write_text(drawn(found, in_words(described(url))))
    if "executor" in wanted.parts:
        report["executor"], lines = executor.measured(url, runs=3 if wanted.is_quick else 7)
        judged += lines
    if "followees" in wanted.parts:
        report["followees"], lines = followees.measured(url)
        judged += lines
    if "mix" in wanted.parts:
        report["mix"], lines = mix.measured(url, wanted.mix_seconds)
        judged += lines
    judged += of_sizes()
    return report, judged


def of_sizes() -> list[Target]:
    """What `make bench-sizes` found last: it takes a quarter of an hour, so that it is not made each time."""
    if not sizes.RESULTS.exists():
        return []
    found = json.loads(sizes.RESULTS.read_text())
    note = f"make bench-sizes, {found['machine']['at'][:10]}"
    return [Target(line["name"], line["value"], line["bound"], is_at_most=True, note=note) for line in found["targets"]]


def beside_peers(url: str, wanted: Wanted) -> list[Figure]:
    where = Range(url, Postgres.of(url), asyncio.run(counts_statements(url)))
    cast = Cast.of(url)
    with running_all(url, cast, wanted.entrants) as found, where.postgres.pinned(OTHER_CORE):
        ours = next(entrant for entrant in found if entrant.name == PLAIN)
        what = operations(wanted.operations, cast, ours)
        check_equality(found, what)
        print("Answers are equal. Warming up.", flush=True)
        warmed(where, found, what, 0.5 if wanted.is_quick else 5.0)
        runs = rounds(where, found, what, 16, wanted.effort)
        one_by_one = [one for one in what if one.name in asking.OF_PEERS]
        few = replace(wanted.effort, rounds=max(1, wanted.effort.rounds // 2), seconds=wanted.effort.seconds / 2)
        runs += rounds(where, [one for one in found if one.name in (PLAIN, LIMIT, MERCURIUS)], one_by_one, 1, few)
    measured = figures(runs)
    for connections in (16, 1):
        for operation in what:
            if any((one.operation, one.connections) == (operation.name, connections) for one in measured):
                print("", *table(measured, operation.name, connections), sep="\n")
    return measured


def check_equality(found: Sequence[Entrant], what: Sequence[asking.Operation]) -> None:
    """Raises SystemExit: figures of servers that answer differently compare nothing."""
    for operation in what:
        if operation.name in asking.OF_PEERS:
            print(f"Comparing {COMPARED} answers to {operation.name}.", flush=True)
            if wrong := disagreements(found, operation, COMPARED):
                raise SystemExit("\n".join(wrong[:4]) + f"\n{len(wrong)} answers differ.")


async def counts_statements(url: str) -> bool:
    """Whether the server has pg_stat_statements loaded."""
    connection = await asyncpg.connect(url)
    try:
        return "pg_stat_statements" in await connection.fetchval("SHOW shared_preload_libraries")
    finally:
        await connection.close()


def drawn(found: Sequence[Figure], footer: str) -> str:
    groups = {
        name.upper(): {one.entrant: one.per_s for one in found if (one.operation, one.connections) == (name, 16)}
        for name in asking.OF_PEERS
    }
    return chart({name: bars for name, bars in groups.items() if bars}, tuple(OURS), LIMIT, f"make bench, {footer}")


if __name__ == "__main__":
    main()
