"""What a statement reads as it runs in the product: prepared, by a plan for its values or for any."""

import re
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.queries.prepared import Prepared
from feed_service.statements import reading

CUSTOM, GENERIC = MODES = ["force_custom_plan", "force_generic_plan"]


class Plan(NamedTuple):
    """The lines of EXPLAIN (ANALYZE, BUFFERS), and how many pages it has touched."""

    text: str
    buffers: int


async def explained(engine: AsyncEngine, mode: str, prepared: Prepared) -> Plan:
    """Of a second run, which finds the catalogue in memory."""
    statement = reading(prepared.statement).statement
    values = {**statement.defaults, **prepared.values}
    given = ", ".join(literal(values[name]) for name in statement.names)
    execute = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE measured {f'({given})' if given else ''}"
    async with engine.begin() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        await raw.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await raw.execute(f"PREPARE measured AS {statement.text}")
        await raw.fetch(execute)
        lines = [line[0] for line in await raw.fetch(execute)]
        await raw.execute("DEALLOCATE measured")
    touched = next((line for line in lines if line.startswith("  Buffers: shared ")), "")
    return Plan("\n".join(lines), sum(map(int, re.findall(r"(?:hit|read)=(\d+)", touched))))


def literal(value: object) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(literal, value))}]::bigint[]"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, str):
        return f"'{value}'"
    return f"'{value.isoformat()}'" if isinstance(value, datetime) else str(value)
