"""Many generated documents, each run by two executors; the first difference is made small."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from graphql import SelectionNode
from sqlalchemy import make_url

from feed_service.errors import FeedError
from feed_service.migrations import migrate
from tests.api import SCHEMA, api_on
from tests.differential.bases import Enough, each_base
from tests.differential.cases import Case
from tests.differential.copies import Copies
from tests.differential.running import Difference, Executor, Judge, Side, by_reference
from tests.differential.smaller import smaller
from tests.differential.stock import Stock
from tests.differential.tally import Tally
from tests.differential.village import Village
from tests.differential.weaving import Weaver
from tests.scratch import scratch_database
from tests.world import world_on

Run = Callable[[Coroutine[Any, Any, Difference | None]], Difference | None]

WEAVES = 2
"""Documents woven out of one generated selection."""

SHARE_OF_MUTATIONS = 0.03
ASKING = ("dan", "ann", "bob", "cat", "mia", "stu", "eve", "mo", "ada", "nobody")


class Proof:
    """`run` runs a coroutine to its end: hypothesis calls what is not one."""

    def __init__(self, judge: Judge, stock: Stock, copies: Copies, run: Run) -> None:
        self.judge, self.stock, self.copies, self.run = judge, stock, copies, run
        self.tally = Tally()

    def look(self, case: Case) -> Difference | None:
        """The difference that the case shows, as it is."""
        self.tally.asked += 1
        try:
            operation = self.judge.prepare(case)
        except FeedError:
            self.tally.refused += 1
            return None
        if not operation.is_query:
            self.tally.mutations += 1
            return self.run(self.copies.difference(case, self.tally.count, anew=False))
        return self.run(self.judge.difference(case, self.tally.count))

    def made_small(self, found: Difference) -> Difference:
        """The same of less."""
        last = found

        async def shows(case: Case) -> bool:
            nonlocal last
            with contextlib.suppress(FeedError):
                is_query = self.judge.prepare(case).is_query
                difference = await (self.judge.difference(case) if is_query else self.copies.difference(case))
                last = difference or last
                return difference is not None
            return False

        async def small() -> Difference:
            await smaller(found.case, shows)
            return last

        return self.run(small()) or found

    def go(self, number: int, of: int = 0, mutations: float = SHARE_OF_MUTATIONS) -> Difference | None:
        """Of `number` documents, the first difference, small. `of`: the seed. `mutations`: how many of them are."""
        found: list[Difference] = []

        def each(root: str, base: Sequence[SelectionNode]) -> None:
            for _ in range(WEAVES):
                if found or self.tally.asked >= number:
                    raise Enough
                chosen = random.Random(f"{of} {self.tally.asked}")  # noqa: S311 - no secret.
                case = Weaver(SCHEMA, self.stock, chosen, chosen.choice(ASKING)).case(root, base)
                difference = self.look(case)
                if difference is not None:
                    found.append(self.made_small(difference))

        with contextlib.suppress(Enough):
            each_base(number, of, mutations, each)
        return found[0] if found else None


@asynccontextmanager
async def proof_on(server_url: str, other: Callable[[], Executor], run: Run) -> AsyncIterator[Proof]:
    """On a village of its own."""
    async with scratch_database(server_url) as settled_url:
        await migrate(settled_url)
        async with world_on(settled_url) as world, api_on(settled_url) as settling:
            village = Village(world, settling)
            await village.settle()
            stock = Stock(village)
            await stock.fill()
        frozen = str(make_url(settled_url).database)
        async with scratch_database(server_url, frozen) as url, api_on(url) as api:
            judge = Judge(Side(api, village, by_reference()), Side(api, village, other()))
            copies = Copies(server_url, frozen, village, other)
            yield Proof(judge, stock, copies, run)
            await copies.close()


@contextmanager
def proving(server_url: str, other: Callable[[], Executor], runner: asyncio.Runner) -> Iterator[Proof]:
    """The same for what is no coroutine."""
    opening = proof_on(server_url, other, runner.run)
    proof = runner.run(opening.__aenter__())
    try:
        yield proof
    finally:
        runner.run(opening.__aexit__(None, None, None))
