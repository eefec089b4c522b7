"""Loaders: what the rows of a page hang on is asked for all of them at once, or one by one (N+1)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.optimisations.apart import authors_apart, reading
from benchmarks.optimisations.cases import Case, Optimisation
from benchmarks.optimisations.ground import Ground
from benchmarks.optimisations.site import data_of
from feed_service.queries.posts import BODY, TAGS


@asynccontextmanager
async def cases(ground: Ground, *, is_one_by_one: bool) -> AsyncIterator[Sequence[Case]]:
    """One by one against one statement for each kind, or that against rows beside rows, as the service has it."""
    site = ground.site
    off = reading(site, bare, is_one_by_one=is_one_by_one), authors_apart
    on = (reading(site, bare), authors_apart) if is_one_by_one else ()
    yield [
        Case(name.upper(), len(asked), site.side(asked, *off), site.side(asked, *on), [site.database], data_of)
        for name, asked in ((name, ground.questions(name)) for name in ("feed", "post"))
    ]


def bare(parts: frozenset[str]) -> frozenset[str]:
    """The text, and which tags it has: what a row of the table posts would tell."""
    return parts & {BODY, TAGS}


LOADERS = Optimisation(
    "Loaders",
    "the author, the numbers, the viewer's state and the comments of each row are asked for row by row (N+1)",
    "one statement for each kind, for all rows of a level",
    partial(cases, is_one_by_one=True),
)
BESIDE = Optimisation(
    "Rows beside rows",
    "one statement for each kind",
    "what shares a row's fate (author, numbers, the viewer's state) comes with the row, in the same statement",
    partial(cases, is_one_by_one=False),
)
