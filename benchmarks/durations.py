"""How long statements take under load: a bound that 95 in 100 keep, from what PostgreSQL itself has measured."""

from dataclasses import dataclass, field

import asyncpg

LONGEST = """
    SELECT queryid, sum(calls)::bigint AS calls, sum(total_exec_time) AS ms, max(max_exec_time) AS longest
    FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY queryid
"""
FORGET_LONGEST = """
    SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0, true)
"""
SHARE = 0.95


@dataclass
class Durations:
    """By looks every fraction of a second: of each statement, how often it ran since the last one, and its longest run.

    Every run counts as long as the longest of its statement between two looks, so `bound_ms` is never too low. Servers
    before 17 cannot forget their longest: there the whole time is one look.
    """

    url: str
    runs: list[tuple[float, int]] = field(default_factory=list)
    total_ms: float = 0.0
    _before: dict[int, tuple[int, float]] = field(default_factory=dict)
    _connection: asyncpg.Connection | None = None

    async def begin(self) -> None:
        self._connection = await asyncpg.connect(self.url)
        await self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        if self._connection.get_server_version().major < 17:
            await self._connection.execute("SELECT pg_stat_statements_reset()")
        await self.look()
        self.runs.clear()
        self.total_ms = 0.0

    async def look(self, *, is_last: bool = False) -> None:
        assert self._connection is not None  # noqa: S101 - `begin` has opened it.
        can_forget = self._connection.get_server_version().major >= 17
        if not (can_forget or is_last or not self._before):
            return
        rows = await self._connection.fetch(LONGEST)
        if can_forget:
            await self._connection.execute(FORGET_LONGEST)
        for row in rows:
            calls, ms = self._before.get(row["queryid"], (0, 0.0))
            if row["calls"] > calls:
                self.runs.append((row["longest"], row["calls"] - calls))
                self.total_ms += row["ms"] - ms
        self._before = {row["queryid"]: (row["calls"], row["ms"]) for row in rows}

    async def end(self) -> None:
        await self.look(is_last=True)
        assert self._connection is not None  # noqa: S101 - as above.
        await self._connection.close()

    @property
    def count(self) -> int:
        return sum(calls for _, calls in self.runs)

    @property
    def mean_ms(self) -> float:
        return self.total_ms / self.count if self.count else 0.0

    @property
    def bound_ms(self) -> float:
        """95 in 100 statements took no longer."""
        seen, wanted = 0, SHARE * self.count
        for longest, calls in sorted(self.runs):
            seen += calls
            if seen >= wanted:
                return longest
        return 0.0
