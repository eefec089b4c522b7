"""The executor: graphql-core resolves field by field, or the operation is compiled to batches of a level."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from functools import partial
from unittest.mock import patch

from benchmarks.optimisations.cases import Case, Optimisation
from benchmarks.optimisations.ground import Ground
from benchmarks.optimisations.site import data_of


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    site = ground.site
    by_reference = copy(site.endpoint.execution)
    by_reference.plans = None  # As FEED_EXECUTOR=reference has it.
    off = partial(patch.object, site.endpoint, "execution", by_reference)
    yield [
        Case(name.upper(), len(asked), site.side(asked, off), site.side(asked), [site.database], data_of)
        for name, asked in ((name, ground.questions(name)) for name in ("feed", "post", "popular"))
    ]


EXECUTOR = Optimisation(
    "Compiled operations",
    "graphql-core runs a coroutine for each field of each object (FEED_EXECUTOR=reference)",
    "one call for each field of a level (FEED_EXECUTOR=compiled)",
    cases,
)
