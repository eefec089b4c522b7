"""Asks PostgreSQL for the plan of a statement: on a connection of its own, read-only, within a time, and rolled back.

A statement is served prepared, by the plan for any values (`database.READING`), and that is the plan which must be
shown, run with the values of the request:

- EXPLAIN with values sent beside it shows another plan, made for these values alone, and the values in it. So it does
  in PostgreSQL 15 to 18: the planner of EXPLAIN knows no plan_cache_mode.
- EXPLAIN EXECUTE shows the plan that is served. It takes no values beside it, and a literal in its text would have to
  be written by us; so the values are sent with set_config, by the types of the statement's own parameters, and EXECUTE
  takes them from there. No value stands in any text, nor in the plan, which has $1 where a value was.
- The same with NULLs, and without ANALYZE, is the plan for values that nobody knows, as GENERIC_PLAN of PostgreSQL 16
  shows it.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from feed_service.database import READING, create_engine, open_driver
from feed_service.operations.plans import Plan, plan_of
from feed_service.operations.verdicts import Kind, Verdict
from feed_service.transactions import sqlstate_of

STATEMENT_S = 5.0
LOCK_MS = 1_000
IDLE_MS = 10_000
SILENCE_S = 60.0

ENDED = {"57014": "it was ended after its {limit_s:g} s", "55P03": "it waited for a lock"}
"""By SQLSTATE: query canceled, lock not available."""

WRITES = "25006"

PARAMETER_TYPES = "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = $1"
TABLE_ROWS = """
    SELECT c.relname, greatest(c.reltuples, 0)
    FROM pg_class c WHERE c.oid = ANY (SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name)
"""
"""Partitioned tables have the sum of their parts after ANALYZE."""


class NoPlan(Exception):
    """A statement such as COMMIT has none."""


@dataclass(frozen=True)
class Found:
    """The plan, analysed unless `trouble` says why not."""

    plan: Plan
    trouble: Verdict | None = None


class PlanReader:
    """Reads plans on one connection. `limit_s`: for each statement."""

    def __init__(self, driver: Any, limit_s: float) -> None:  # noqa: ANN401 - asyncpg has no types.
        self.driver = driver
        self.limit_s = limit_s
        self._statements: list[Any] = []
        """The driver closes a statement that nobody holds."""

    async def plan(self, text: str, *, hides_texts: bool = False) -> Plan:
        """For any values, not run. Raises what PostgreSQL says of the statement."""
        async with self._transaction():
            execute = await self._prepared(text, None)
            return await self._explained("SUMMARY, SETTINGS", execute, hides_texts=hides_texts)

    async def analyzed(self, text: str, values: Sequence[Any], *, hides_texts: bool = False) -> Found:
        """Run with `values`. Raises what PostgreSQL says of a statement that cannot be planned."""
        async with self._transaction():
            execute = await self._prepared(text, values)
            # Planned first, so that what follows finds the plan ready, as a request does.
            plan = await self._explained("SUMMARY, SETTINGS", execute, hides_texts=hides_texts)
            try:
                return Found(await self._explained("ANALYZE, BUFFERS, SETTINGS", execute, hides_texts=hides_texts))
            except Exception as error:  # noqa: BLE001 - what is not of PostgreSQL is raised again.
                return Found(plan, self._trouble(error))

    async def table_rows(self, names: Iterable[str]) -> dict[str, float]:
        """How many rows tables are thought to have, by name."""
        return dict(await self.driver.fetch(TABLE_ROWS, sorted(names)))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        await self.driver.execute("BEGIN READ ONLY")
        try:
            await self.driver.execute(
                f"SET LOCAL statement_timeout = {max(1, round(self.limit_s * 1e3))}; "
                f"SET LOCAL lock_timeout = {LOCK_MS}; SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}"
            )
            yield
        finally:
            if not self.driver.is_closed():
                await self.driver.execute("ROLLBACK")

    async def _prepared(self, text: str, values: Sequence[Any] | None) -> str:
        """EXECUTE of the statement, which holds no value. None: of values that nobody knows."""
        name = f"explained_{len(self._statements)}"
        self._statements.append(await self.driver.prepare(text, name=name))
        types: list[str] = await self.driver.fetchval(PARAMETER_TYPES, name)
        given = ["NULL"] * len(types)
        for n, value in enumerate(values or ()):
            if value is not None:
                setting = f"feed_explain.p{n}"
                await self.driver.fetchval(f"SELECT set_config($1, $2::{types[n]}::text, true)", setting, value)
                given[n] = f"current_setting('{setting}')::{types[n]}"
        return f"EXECUTE {name}" + (f" ({', '.join(given)})" if given else "")

    async def _explained(self, options: str, execute: str, *, hides_texts: bool) -> Plan:
        found = await self.driver.fetchval(f"EXPLAIN ({options}, FORMAT JSON) {execute}")
        (told,) = orjson.loads(found) if isinstance(found, str) else found
        if isinstance(told, str):
            raise NoPlan(told)
        return plan_of(told, hides_texts=hides_texts)

    def _trouble(self, error: Exception) -> Verdict:
        """Without the message of the error, which may hold a value. Raises errors that are not PostgreSQL's."""
        code = sqlstate_of(error)
        if code in ENDED:
            return Verdict(
                Kind.OVER_TIME, f"The plan was not run to its end: {ENDED[code].format(limit_s=self.limit_s)}."
            )
        if code == WRITES:
            return Verdict(Kind.REFUSED, "The statement tries to write, which is refused here.")
        if not code:
            raise error
        return Verdict(Kind.REFUSED, f"PostgreSQL refused to run it: {type(error).__name__}, SQLSTATE {code}.")


@asynccontextmanager
async def reading_plans(url: str, limit_s: float = STATEMENT_S) -> AsyncIterator[PlanReader]:
    """A connection with the settings of those that serve reads; it is closed afterwards."""
    engine = create_engine(url, SILENCE_S, pool_size=1, **READING | {"application_name": "feed_service explain"})
    try:
        async with engine.connect() as connection:
            yield PlanReader(await open_driver(connection), limit_s)
    finally:
        await engine.dispose()


class PlanFinder:
    """Finds the fingerprints of plans for the slow log, each on a connection that is closed again."""

    def __init__(self, url: str, limit_s: float = STATEMENT_S) -> None:
        self.url = url
        self.limit_s = limit_s

    async def fingerprint_of(self, text: str) -> str:
        """Of the plan for any values, which is not run. Raises what PostgreSQL says of the statement."""
        async with reading_plans(self.url, self.limit_s) as plans:
            return (await plans.plan(text)).fingerprint
