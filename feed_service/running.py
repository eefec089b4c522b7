"""Running compiled statements on a connection of the driver, each timed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import orjson

from feed_service.metering import Meters
from feed_service.statements import Statement

Rows = Callable[[Any], int]
"""How many rows an answer of the driver tells of."""


@dataclass(frozen=True)
class Statements:
    """Runs statements in the transaction. Values are given by the names of the parameters; a dict becomes JSON."""

    driver: Any
    meters: Meters | None = field(default=None, kw_only=True)

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:  # noqa: ANN401 - values of columns.
        """Records: `row["column"]`."""
        return await self._timed(self.driver.fetch, statement, values, len)  # type: ignore[no-any-return]

    async def row(self, statement: Statement, **values: Any) -> Any:  # noqa: ANN401 - a record or None.
        return await self._timed(self.driver.fetchrow, statement, values, _is_there)

    async def value(self, statement: Statement, **values: Any) -> Any:  # noqa: ANN401 - of the first column, or None.
        return await self._timed(self.driver.fetchval, statement, values, _is_there)

    async def run(self, statement: Statement, **values: Any) -> int:  # noqa: ANN401 - values of columns.
        """The number of rows it touched."""
        return _touched(await self._timed(self.driver.execute, statement, values, _touched))

    async def run_all(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """The statement once for each of `rows` of values, all of them in one round trip."""
        given = [_ordered(statement, values) for values in rows]

        async def run(text: str) -> int:
            await self.driver.executemany(text, given)
            return len(given)

        await self._timed(run, statement, None, int)

    async def _timed(
        self, run: Callable[..., Awaitable[Any]], statement: Statement, values: Mapping[str, Any] | None, rows: Rows
    ) -> Any:  # noqa: ANN401 - what `run` answers.
        given, started = () if values is None else _ordered(statement, values), perf_counter()
        try:
            answer = await run(statement.text, *given)
        except BaseException:
            if self.meters is not None:
                self.meters.failed(statement.text, perf_counter() - started)
            raise
        if self.meters is not None:
            self.meters.statement(statement.text, perf_counter() - started, rows(answer), given)
        return answer


def _ordered(statement: Statement, values: Mapping[str, Any]) -> list[Any]:
    given = {**statement.defaults, **values}
    if len(given) > len(statement.defaults):
        raise TypeError(f"The statement has no parameters {sorted(given.keys() - statement.names)}: {statement.text}")
    ordered = map(given.__getitem__, statement.names)
    return [orjson.dumps(value).decode() if isinstance(value, dict) else value for value in ordered]


def _is_there(answer: object) -> int:
    return int(answer is not None)


def _touched(status: str) -> int:
    return int(status.rsplit(maxsplit=1)[-1])
