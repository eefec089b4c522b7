"""Prepared statements: each is parsed and planned for every run, or once for each connection."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from benchmarks.optimisations.cases import Case, Optimisation
from benchmarks.optimisations.ground import Ground
from benchmarks.optimisations.site import data_of
from feed_service.database import ReadDatabase
from feed_service.statements import Readable, reading


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    site = ground.site
    anew = partial(patch.object, site.database, "rows", partial(rows, site.database))
    yield [
        Case(name.upper(), len(asked), site.side(asked, anew), site.side(asked), [site.database], data_of)
        for name, asked in ((name, ground.questions(name)) for name in ("feed", "post", "popular"))
    ]


async def rows(database: ReadDatabase, statement: Readable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """As `ReadDatabase.rows`, without a name, so that nothing is kept."""
    wanted = reading(statement)
    text, given = wanted.given(values)

    async def read(driver: Any) -> Sequence[Any]:  # noqa: ANN401 - asyncpg's.
        prepared = await driver.prepare(text, name="", record_class=wanted.row)
        return await prepared.fetch(*given)  # type: ignore[no-any-return]

    return await database.by_driver(read)


PREPARED = Optimisation(
    "Prepared statements",
    "PostgreSQL parses and plans each statement whenever it is run",
    "each connection prepares a statement once, and keeps one plan for all values",
    cases,
)
