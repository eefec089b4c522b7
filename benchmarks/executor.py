"""`make bench-executor`: what executing alone costs, compiled and by graphql-core, with rows from memory.

Each executor runs an operation on the database once, which records what every batch answered, and then many times from
that record: no statement, no driver, no socket.
"""

import argparse
import gc
import json
import tempfile
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import orjson
import uvloop
from graphql import parse, validate

from benchmarks import asking
from benchmarks.asking import Cast, Operation
from benchmarks.entrants import NO_CACHES
from benchmarks.feed_sql import database
from benchmarks.judging import Target
from benchmarks.machine import described, in_words
from feed_service.app import create_app
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Asked, Execution
from feed_service.execution.plans import Plans
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.loaders.batching import Known, Loaders, Reader
from feed_service.schema.context import Context
from feed_service.settings import Settings
from feed_service.viewer import ANONYMOUS, Viewer

RESULTS = Path(__file__).parent / "results" / "executor.json"
MOST_OF_REFERENCE = 0.05
TIMES = {"compiled": 200, "reference": 20}
TURNS = 8
"""Viewers or posts that are asked for in turn."""

Tape = dict[Hashable, list[Sequence[Any]]]
"""By batch and arguments, what its calls answered, in their order."""


class Taped(Loaders):
    """Loaders that write down what their batches answer, or read it off again: no reader is asked then."""

    def __init__(self, reader: Reader, tape: Tape, *, records: bool) -> None:
        super().__init__(reader)
        self.tape, self.records = tape, records
        self.calls: dict[Hashable, int] = {}

    def _known_by(self, batch: Any, *args: Any, **kwargs: Any) -> Known[Any, Any]:  # noqa: ANN401 - any batch.
        identity = (batch, args, tuple(sorted(kwargs.items())))
        known = self._known.get(identity)
        if known is None:

            async def ask(keys: list[Any]) -> Sequence[Any]:
                if not self.records:
                    call = self.calls.get(identity, 0)
                    self.calls[identity] = call + 1
                    return self.tape[identity][call]
                answers: Sequence[Any] = await batch(self.reader, keys, *args, **kwargs)
                self.tape.setdefault(identity, []).append(answers)
                return answers

            known = self._known[identity] = Known(ask)
        return known


class Stage:
    """One operation, its turns, and the application whose parts run it."""

    def __init__(self, endpoint: GraphQLEndpoint, what: Operation) -> None:
        self.endpoint, self.what = endpoint, what
        self.operation = endpoint.documents.prepare(what.document)

    async def answer(self, execution: Execution, turn: int, tape: Tape, *, records: bool = False) -> Any:  # noqa: ANN401
        viewer_id, variables = self.what.turns[turn]
        viewer = ANONYMOUS if viewer_id is None else Viewer(viewer_id)

        def context_of() -> Context:
            context = self.endpoint.context_of(viewer, "bench")
            assert isinstance(context, Context)  # noqa: S101 - the application's own.
            context.loaders = Taped(context.loaders.reader, tape, records=records)
            return context

        _, answer = await execution.run(Asked(self.operation, dict(variables), context_of, "bench"))
        if answer.errors:
            raise SystemExit(f"{self.what.name}: {answer.errors[0]}")
        return answer.data

    async def recorded(self, execution: Execution) -> list[Tape]:
        tapes: list[Tape] = [{} for _ in range(TURNS)]
        for turn, tape in enumerate(tapes):
            await self.answer(execution, turn, tape, records=True)
        return tapes

    async def cpu_ms(self, execution: Execution, tapes: list[Tape], times: int) -> float:
        """Of the whole process, for one run of the operation."""
        for turn, tape in enumerate(tapes):
            await self.answer(execution, turn, tape)
        begun = process_time()
        for number in range(times):
            await self.answer(execution, number % TURNS, tapes[number % TURNS])
        return (process_time() - begun) / times * 1_000


@asynccontextmanager
async def endpoint_of(url: str) -> AsyncIterator[GraphQLEndpoint]:
    """The application's own parts, as `feed-service serve` puts them together."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": folder, "FEED_JOBS": "off", **NO_CACHES}
        app = create_app(Settings.from_environment(environment))
        async with app.router.lifespan_context(app):
            kwargs = [middleware.kwargs for middleware in app.user_middleware]
            endpoint = next(given["endpoint"] for given in kwargs if "endpoint" in given)
            assert isinstance(endpoint, GraphQLEndpoint)  # noqa: S101 - the middleware asks for one.
            yield endpoint


async def compared(endpoint: GraphQLEndpoint, what: Operation, runs: int) -> dict[str, Any]:
    """Milliseconds of CPU of both executors, the best of `runs` each, taking turns; and of what is done around them."""
    schema = endpoint.execution.schema
    executions = {"compiled": Execution(schema, Plans(schema)), "reference": Execution(schema)}
    stage = Stage(endpoint, what)
    tapes = {name: await stage.recorded(execution) for name, execution in executions.items()}
    answers = [await stage.answer(one, 0, tapes[name][0]) for name, one in executions.items()]
    if orjson.dumps(answers[0]) != orjson.dumps(answers[1]):
        raise SystemExit(f"{what.name}: the executors answer differently.")
    times: dict[str, list[float]] = {name: [] for name in executions}
    for _ in range(runs):
        for name, execution in executions.items():
            times[name].append(await stage.cpu_ms(execution, tapes[name], TIMES[name]))
    best = {name: round(min(found), 4) for name, found in times.items()}
    return best | {
        "ratio": round(best["compiled"] / best["reference"], 4),
        "bytes": len(orjson.dumps(answers[0])),
        **prepared(endpoint, what, runs),
        "compile_ms": await compiling_ms(stage, tapes["compiled"], best["compiled"], runs),
        "orjson_ms": best_of(lambda: orjson.dumps(answers[0]), 10 * runs),
        "json_ms": best_of(lambda: json.dumps(answers[0], default=str), runs),
    }


def prepared(endpoint: GraphQLEndpoint, what: Operation, runs: int) -> dict[str, float]:
    """What is done once for each document, and then once for each request to find that it was done."""
    schema = endpoint.execution.schema
    document = parse(what.document)
    return {
        "parse_ms": best_of(lambda: parse(what.document), runs),
        "validate_ms": best_of(lambda: validate(schema, document), runs),
        "prepare_new_ms": best_of(lambda: Documents(schema).prepare(what.document), runs),
        "prepare_known_ms": best_of(lambda: endpoint.documents.prepare(what.document), 10 * runs),
    }


async def compiling_ms(stage: Stage, tapes: list[Tape], known_ms: float, runs: int) -> float:
    """What the first run of an operation costs more than the later ones; the median."""
    schema = stage.endpoint.execution.schema
    times = []
    for _ in range(runs):
        execution = Execution(schema, Plans(schema))
        begun = process_time()
        await stage.answer(execution, 0, tapes[0])
        times.append((process_time() - begun) * 1_000 - known_ms)
    return round(median(times), 3)


def best_of(work: Any, runs: int) -> float:  # noqa: ANN401 - a function without arguments.
    times = []
    for _ in range(runs):
        begun = process_time()
        work()
        times.append(process_time() - begun)
    return round(min(times) * 1_000, 4)


async def run(url: str, what: Sequence[Operation], runs: int) -> dict[str, Any]:
    async with endpoint_of(url) as endpoint:
        gc.freeze()
        return {operation.name: await compared(endpoint, operation, runs) for operation in what}


def measured(url: str, runs: int = 7) -> tuple[dict[str, Any], list[Target]]:
    cast = Cast.of(url)
    found = uvloop.run(run(url, [asking.operation(name, cast) for name in asking.OF_PEERS], runs))
    lines = []
    for name, times in found.items():
        print(f"{name:8}", *(f"{what} {value:g}" for what, value in times.items()), sep="  ", flush=True)
        note = f"{times['compiled']:.3g} and {times['reference']:.3g} ms"
        title = f"{name.upper()}: executor with rows replayed against graphql-core"
        lines.append(Target(title, times["ratio"], MOST_OF_REFERENCE, is_at_most=True, note=note))
    return found, lines


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database, which is only read")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    arguments.add_argument("--runs", type=int, default=7)
    given = arguments.parse_args()
    with database(given.url, given.folder) as url:
        about = described(url)
        found, lines = measured(url, given.runs)
    print(in_words(about), *lines, sep="\n")
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"targets": [line.line() for line in lines], "machine": about, "operations": found}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
