"""Indexes: those that serve an operation are dropped, in a transaction that is rolled back, or there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import asyncpg

from benchmarks.optimisations.cases import Case, Optimisation, Side
from benchmarks.optimisations.ground import Ground
from benchmarks.optimisations.site import Question, Site, data_of
from benchmarks.optimisations.trial import flushed
from feed_service.database import READING, ReadDatabase, create_engine
from feed_service.statements import Readable, reading

OPERATIONS = ("feed", "post", "ranking", "profile", "thread", "search")
TURNS = 5
LONGEST_MS = 120_000

USED = """
    SELECT indexrelid::regclass::text AS name, idx_scan FROM pg_stat_user_indexes JOIN pg_index USING (indexrelid)
    JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisunique AND NOT relispartition
"""
MOVING = frozenset({"snapshot", "clock_us", "as_of", "now"})
"""Columns that tell the time."""


@dataclass(frozen=True)
class Sent:
    """A statement of an operation, as it went to the driver."""

    text: str
    values: Sequence[Any]


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    patient = {**READING, "statement_timeout": str(LONGEST_MS), "default_transaction_read_only": "off"}
    async with AsyncExitStack() as stack:
        sides = []
        for _ in range(2):
            engine = create_engine(ground.url, pool_size=1, **patient)
            sides.append(ReadDatabase(engine.execution_options(isolation_level="AUTOCOMMIT"), 1))
            stack.push_async_callback(sides[-1].close)
        connection = await asyncpg.connect(ground.url)
        stack.push_async_callback(connection.close)
        found = [await case(ground, connection, name, *sides) for name in OPERATIONS]
        yield [one for one in found if one.note]


async def case(ground: Ground, connection: Any, name: str, off: ReadDatabase, on: ReadDatabase) -> Case:  # noqa: ANN401 - asyncpg's.
    turns = await sent_for(ground.site, ground.questions(name)[:TURNS])
    before = await scans(connection, on)
    for turn in range(len(turns)):
        await run(on, turns, turn)
    after = await scans(connection, on)
    used = sorted(index for index, count in after.items() if count > before[index])
    sides = Side(partial(run, off, turns), partial(without, off, used)), Side(partial(run, on, turns))
    return Case(name.upper(), len(turns), *sides, [off, on], plain, ", ".join(used))


async def sent_for(site: Site, questions: Sequence[Question]) -> list[list[Sent]]:
    """What the service sends for each, once it is warm."""
    turns: list[list[Sent]] = []
    given = site.database.rows

    async def rows(statement: Readable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        turns[-1].append(Sent(*reading(statement).given(values)))
        return await given(statement, values)

    for question in questions:
        data_of(await site.answer(question))
        turns.append([])
        with patch.object(site.database, "rows", rows):
            data_of(await site.answer(question))
    return turns


async def scans(connection: Any, database: ReadDatabase) -> dict[str, int]:  # noqa: ANN401 - asyncpg's.
    await flushed([database])
    return {row["name"]: row["idx_scan"] for row in await connection.fetch(USED)}


async def run(database: ReadDatabase, turns: Sequence[Sequence[Sent]], turn: int) -> list[Any]:
    """The rows of each statement of the turn, one statement after the other."""
    return [await database.by_driver(partial(fetched, text=sent.text, values=sent.values)) for sent in turns[turn]]


async def fetched(driver: Any, text: str, values: Sequence[Any]) -> Any:  # noqa: ANN401 - asyncpg's.
    return await driver.fetch(text, *values)


@asynccontextmanager
async def without(database: ReadDatabase, indexes: Sequence[str]) -> AsyncIterator[None]:
    """A transaction on the one connection, in which they are not there; nobody else can use their tables meanwhile."""
    if indexes:
        await database.by_driver(lambda driver: driver.execute(f"BEGIN; DROP INDEX {', '.join(indexes)}"))
    try:
        yield
    finally:
        if indexes:
            await database.by_driver(lambda driver: driver.execute("ROLLBACK"))


def plain(answers: Sequence[Sequence[Any]]) -> list[Any]:
    """Without the clock; many statements promise no order of their rows, nor of tags within one."""
    return [sorted(repr(compared(row)) for row in rows) for rows in answers]


def compared(row: Any) -> list[Any]:  # noqa: ANN401 - asyncpg's.
    shown = ((name, value) for name, value in row.items() if name not in MOVING)
    return [(name, sorted(value) if isinstance(value, list) else value) for name, value in shown]


INDEXES = Optimisation(
    "Indexes",
    "without the indexes, other than unique ones, that the operation's plans use",
    "with them",
    cases,
)
