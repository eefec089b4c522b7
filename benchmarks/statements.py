"""A statement as the product sends it, its buffers by EXPLAIN and its time over the client's wire."""

import json
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from feed_service.database import READING
from feed_service.queries.prepared import Prepared
from feed_service.statements import reading

MODES = {"custom": "force_custom_plan", "generic": "force_generic_plan", "served": READING["plan_cache_mode"]}
"""PostgreSQL plans for the values at hand, for any values, or as the service asks it to."""

FIRST_RUNS = 8
"""Runs before any is timed: after five, PostgreSQL decides between the plans."""

LONGEST_S = 0.5


@dataclass(frozen=True)
class Sent:
    """The text and the values, as the product sends them."""

    text: str
    values: list[Any]

    @classmethod
    def of(cls, prepared: Prepared) -> "Sent":
        return cls(*reading(prepared.statement).given(prepared.values))


async def buffers(connection: asyncpg.Connection, sent: Sent, mode: str) -> int:
    """Pages read, from the cache or not, on a second run."""
    await connection.execute(f"SET plan_cache_mode = {MODES[mode]}")
    await connection.execute(f"PREPARE measured AS {sent.text}")
    values = ", ".join(literal(value) for value in sent.values)
    explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE measured ({values})"
    await connection.fetchval(explain)
    plan = json.loads(await connection.fetchval(explain))[0]["Plan"]
    await connection.execute("DEALLOCATE measured")
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def milliseconds(connection: asyncpg.Connection, sent: Sent, mode: str, runs: int) -> float:
    """The median of whole round trips of a prepared statement."""
    await connection.execute(f"SET plan_cache_mode = {MODES[mode]}")
    statement = await connection.prepare(sent.text)
    for _ in range(FIRST_RUNS):
        await statement.fetch(*sent.values)
    times: list[float] = []
    while len(times) < runs and sum(times) < LONGEST_S:
        start = perf_counter()
        await statement.fetch(*sent.values)
        times.append(perf_counter() - start)
    return round(median(times) * 1_000, 3)


def literal(value: Any) -> str:  # noqa: ANN401 - what a parameter takes.
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        return "ARRAY[" + ", ".join(literal(item) for item in value) + "]" if value else "'{}'"
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'"
    return f"'{value}'" if isinstance(value, str) else str(value)
