"""How many statements reach PostgreSQL, counted by itself (pg_stat_statements)."""

import asyncio
from types import TracebackType
from typing import Any, NamedTuple, Self

import asyncpg

from benchmarks.load import Found

COUNTED = """
    SELECT query, sum(calls)::bigint AS calls, sum(total_exec_time) AS ms,
        sum(shared_blks_hit + shared_blks_read)::bigint AS buffers
    FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY query
"""
OURS = ("pg_stat_statements",)
MOST_CHARS = 100


class Counted(NamedTuple):
    """How often a text was run, how long it took in all, and how many pages it read, from the cache or not."""

    calls: int
    ms: float
    buffers: int

    def since(self, before: "Counted") -> "Counted":
        return Counted(self.calls - before.calls, self.ms - before.ms, self.buffers - before.buffers)


NOTHING = Counted(0, 0.0, 0)


class Spoken:
    """Statements between the beginning and the end of the block, of everybody in this database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.before: dict[str, Counted] = {}

    def begin(self) -> Self:
        asyncio.run(self._read("CREATE EXTENSION IF NOT EXISTS pg_stat_statements"))
        self.before = self._counted()
        return self

    def __enter__(self) -> Self:
        return self.begin()

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        return

    def summary(self, found: Found, viewers: int) -> dict[str, Any]:
        """Per second in all, per viewer and second of those that ask for one viewer, and the most frequent texts.

        The shared reads are those that came about once a second or less, however many viewers ask. Each viewer is asked
        about once at the beginning: what counts is how soon again.
        """
        calls = self.calls()
        shared = {text: count for text, count in calls.items() if count <= 2 * found.seconds + 2}
        total = sum(calls.values())
        lines = sorted(calls.items(), key=lambda line: -line[1])[:10]
        return {
            "requests": sum(found.statuses.values()),
            "statuses": found.statuses,
            "per_s": round(total / found.seconds, 1),
            "shared_per_s": round(sum(shared.values()) / found.seconds, 2),
            "per_viewer_and_s": round(((total - sum(shared.values())) / viewers - 1) / found.seconds, 3),
            "texts": {" ".join(text.split())[:MOST_CHARS]: count for text, count in lines},
        }

    def calls(self) -> dict[str, int]:
        """How often each text came since the block began."""
        return {text: found.calls for text, found in self.found().items()}

    def found(self) -> dict[str, Counted]:
        """By text, what came since the block began."""
        since = {text: now.since(self.before.get(text, NOTHING)) for text, now in self._counted().items()}
        return {text: one for text, one in since.items() if one.calls and not any(word in text for word in OURS)}

    def _counted(self) -> dict[str, Counted]:
        return {row["query"]: Counted(*row[1:]) for row in asyncio.run(self._read(COUNTED))}

    async def _read(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(statement)  # type: ignore[no-any-return]
        finally:
            await connection.close()
