"""Caches: everything is asked of PostgreSQL, or what was found before is given again while it holds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmarks.optimisations.cases import Case, Optimisation
from benchmarks.optimisations.ground import Ground
from benchmarks.optimisations.site import data_of, site_on

TURNS, REPEATED = 10, 5
"""A long answer of a viewer is kept once it was asked for three times."""

HITS = "The same questions again and again while nobody writes: as many hits as there can be"


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    off = ground.site
    async with site_on(ground.environment, has_caches=True) as on:
        databases = [off.database, on.database]
        yield [
            Case(
                name.upper(), TURNS, off.side(ground.questions(before)), on.side(ground.questions(name)),
                databases, data_of, HITS, repeated=REPEATED,
            )
            for before, name in (("ranking", "popular"), ("feed", "feed"), ("post", "post"), ("profile", "profile"))
        ]  # fmt: skip


CACHE = Optimisation(
    "Caches",
    "PostgreSQL is asked for everything, and ranks the popular posts for each request",
    "frozen rankings, user and tag numbers for a second, people by the change log, and answers that proved to stay",
    cases,
)
