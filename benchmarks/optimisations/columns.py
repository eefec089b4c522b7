"""Columns: of each post what the operation asks for, or all there is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmarks.optimisations.apart import reading
from benchmarks.optimisations.cases import Case, Optimisation
from benchmarks.optimisations.ground import Ground
from benchmarks.optimisations.site import data_of
from feed_service.queries.posts import WHOLE


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    site, questions = ground.site, ground.questions("popular")
    off, on = site.side(questions, reading(site, lambda parts: parts | WHOLE)), site.side(questions)
    yield [Case("POPULAR", len(questions), off, on, [site.database], data_of)]


COLUMNS = Optimisation(
    "Columns that are asked for",
    "all columns of each post, its text, its tags and all its numbers among them",
    "the columns that the operation's fields need",
    cases,
)
