"""Runs a case on one of two executors, up to the bytes of the body; and holds the two outcomes against each other."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from prometheus_client import CollectorRegistry
from sqlalchemy import func, literal, select, union_all

from feed_service import models
from feed_service.errors import FeedError
from feed_service.execution.documents import Documents, Operation
from feed_service.execution.paths import Asked, Execution
from feed_service.execution.plans import Plans
from feed_service.execution.run import refusal_errors
from feed_service.http.graphql import body_of
from feed_service.loaders.reads import Reads
from feed_service.observability import OperationMeter
from tests.api import SCHEMA, Api
from tests.differential.cases import Case
from tests.differential.moving import Masks
from tests.differential.village import Village

PATIENCE = 6
"""How often the reference executor is asked again: when two fields fail, which comes first is a race."""


DOCUMENTS = Documents(SCHEMA)
"""Shared by both sides: parsing and validation are no part of the comparison."""


class Outcome(NamedTuple):
    """`reads`: what an answer without errors was made of, for ETags. `path` and `reason`: as they are counted."""

    body: bytes
    reads: Any
    path: str
    reason: str
    rows: tuple[int, ...] = ()

    @property
    def has_errors(self) -> bool:
        return self.body.startswith(b'{"errors"')

    @property
    def is_internal(self) -> bool:
        return b'"code":"INTERNAL"' in self.body


@dataclass(frozen=True)
class Difference:
    case: Case
    reference: Outcome
    other: Outcome

    def __str__(self) -> str:
        both = (self.reference, self.other)
        shown = "\n".join(f"--- {outcome.path} {outcome.reason}\n{shape(outcome)}" for outcome in both)
        return f"{self.case}\n{shown}"


def shape(outcome: Outcome) -> str:
    return f"{outcome.body.decode()}\nreads {outcome.reads}\nrows {sum(outcome.rows)}"


class LastPath(OperationMeter):
    """Knows of the last operation, as those who ask one at a time want to."""

    def __init__(self) -> None:
        super().__init__(CollectorRegistry())
        self.forget()

    def forget(self) -> None:
        self.path, self.reason = "none", "refused"

    def compiled(self) -> None:
        self.path, self.reason = "compiled", ""

    def reference(self, reason: str) -> None:
        self.path, self.reason = "reference", reason


class Executor(NamedTuple):
    execution: Execution
    last: LastPath


def by_reference() -> Executor:
    return Executor(Execution(SCHEMA, None, last := LastPath()), last)


def compiled() -> Executor:
    return Executor(Execution(SCHEMA, Plans(SCHEMA), last := LastPath()), last)


class Side:
    """One executor, on one database."""

    def __init__(self, api: Api, village: Village, executor: Executor) -> None:
        self.api, self.village = api, village
        self.execution, self.last = executor

    def prepare(self, case: Case) -> Operation:
        """Raises FeedError for what is refused before anything runs."""
        return DOCUMENTS.prepare(case.text, case.operation_name)

    async def run(self, operation: Operation, case: Case) -> Outcome:
        viewer = self.village.viewers[case.viewer]
        asked = Asked(operation, case.variables, lambda: self.api.context(viewer), "r1", 60)
        self.last.forget()
        try:
            context, answer = await self.execution.run(asked)
        except FeedError as refusal:
            return Outcome(
                orjson.dumps({"errors": refusal_errors(refusal, "r1")}), None, self.last.path, self.last.reason
            )
        except Exception:  # noqa: BLE001 - a difference, whatever it is.
            return Outcome(f'{{"errors"\n{traceback.format_exc()}'.encode(), None, self.last.path, self.last.reason)
        reads = None if answer.errors else noted(context.loaders.reader.reads)
        return Outcome(body_of(answer), reads, self.last.path, self.last.reason)

    async def rows(self) -> tuple[int, ...]:
        """How many rows every table holds, by name of the table."""
        tables = sorted(models.Base.metadata.tables.items())
        counts = union_all(
            *(select(literal(name).label("of"), func.count().label("n")).select_from(t) for name, t in tables)
        )
        async with self.api.database.engine.connect() as connection:
            found = await connection.execute(select(counts.subquery()).order_by("of"))
            return tuple(row.n for row in found)


def noted(reads: Reads) -> Any:  # noqa: ANN401 - compared as a whole.
    """Of an answer without a version nothing else matters."""
    if not reads.is_versioned:
        return "unversioned"
    ids = {of.value: sorted(map(repr, found)) for of, found in sorted(reads.ids.items())}
    return ids, sorted(reads.feeds), sorted(reads.rankings.items()), reads.is_noted


Count = Callable[[Case, Outcome], None]


class Judge:
    """Runs a query on both sides."""

    def __init__(self, reference: Side, other: Side) -> None:
        self.reference, self.other = reference, other

    def prepare(self, case: Case) -> Operation:
        """Raises FeedError for what is refused before anything runs."""
        return DOCUMENTS.prepare(case.text, case.operation_name)

    async def difference(self, case: Case, count: Count = lambda *_: None) -> Difference | None:
        """None if the other side answers what the reference executor does, or may: it is not always of one mind."""
        operation = self.prepare(case)
        masks = Masks(SCHEMA, operation.document)
        first = found = await self.reference.run(operation, case)
        other = await self.other.run(operation, case)
        count(case, other)
        for _ in range(PATIENCE):
            if masks.of(found.body) == masks.of(other.body) and found.reads == other.reads:
                return None
            found = await self.reference.run(operation, case)
        return Difference(case, first, other)
