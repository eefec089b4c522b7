"""How many statements reach PostgreSQL, counted by itself (pg_stat_statements)."""

import asyncio
from types import TracebackType
from typing import Any, Self

import asyncpg

from benchmarks.load import Found

COUNTED = """
    SELECT query, sum(calls)::bigint AS calls, sum(total_exec_time) AS ms
    FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY query
"""
OURS = ("pg_stat_statements",)
MOST_CHARS = 100


class Spoken:
    """Statements between the beginning and the end of the block, of everybody in this database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.before: dict[str, int] = {}

    def __enter__(self) -> Self:
        asyncio.run(self._read("CREATE EXTENSION IF NOT EXISTS pg_stat_statements"))
        self.before = self._calls()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        return

    def summary(self, found: Found, viewers: int) -> dict[str, Any]:
        """Per second in all, per viewer and second of those that ask for one viewer, and the most frequent texts.

        The shared reads are those that came about once a second or less, however many viewers ask. Each viewer is asked
        about once at the beginning: what counts is how soon again.
        """
        calls = {text: count - self.before.get(text, 0) for text, count in self._calls().items()}
        calls = {text: count for text, count in calls.items() if count and not any(word in text for word in OURS)}
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

    def _calls(self) -> dict[str, int]:
        return {row["query"]: row["calls"] for row in asyncio.run(self._read(COUNTED))}

    async def _read(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(statement)  # type: ignore[no-any-return]
        finally:
            await connection.close()
