"""Copies of the village that mutations may change."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from tests.api import SCHEMA, api_on
from tests.differential.cases import Case
from tests.differential.moving import Masks, now
from tests.differential.running import Count, Difference, Executor, Side, by_reference
from tests.differential.village import Village
from tests.scratch import scratch_database

MOST_ON_A_COPY = 30


class Copies:
    """Runs mutations on two copies of the village, one for each executor, and compares what they left there as well.

    Both go through the same history, of up to `MOST_ON_A_COPY` mutations; then they are made anew. `frozen` is the name
    of the village's database, to which nobody is connected.
    """

    def __init__(self, server_url: str, frozen: str, village: Village, other: Callable[[], Executor]) -> None:
        self.server_url, self.frozen, self.village = server_url, frozen, village
        self.executors = by_reference(), other()
        """Kept, as those of a service are: plans outlive requests."""
        self._opened, self._sides, self._used = AsyncExitStack(), list[Side](), 0

    async def difference(self, case: Case, count: Count = lambda *_: None, *, anew: bool = True) -> Difference | None:
        if anew or self._used % MOST_ON_A_COPY == 0:
            await self._make()
        self._used += 1
        outcomes = []
        for side in self._sides:
            operation = side.prepare(case)
            outcome = await side.run(operation, case)
            outcomes.append(outcome._replace(rows=await side.rows()))
        count(case, outcomes[1])
        masks = Masks(SCHEMA, operation.document, self._since)
        if outcomes[0].rows == outcomes[1].rows and masks.of(outcomes[0].body) == masks.of(outcomes[1].body):
            return None
        return Difference(case, *outcomes)

    async def _make(self) -> None:
        await self.close()
        self._since, self._used = now(), 0
        for executor in self.executors:
            url = await self._opened.enter_async_context(scratch_database(self.server_url, self.frozen))
            api = await self._opened.enter_async_context(api_on(url))
            self._sides.append(Side(api, self.village, executor))

    async def close(self) -> None:
        self._sides = []
        await self._opened.aclose()
