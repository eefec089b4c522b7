"""What the tests of the imports share: engines that are closed, the real data set, and small ones written to disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.database import create_engine
from feed_service.imports.report import Report
from feed_service.imports.snb import import_snb
from feed_service.imports.snb.files import COLUMNS

CHECKOUT = Path(__file__).parents[2]
REAL = CHECKOUT.parent / "shared" / "data" / "snb-sf0.003"

needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason=f"The SNB data set is not at {REAL}.")

SMALL = {
    "static/tag": ["1|Juan_Perón|u", "2|Rumi|u", "10|rumi|u", "9|RUMI|u"],
    "dynamic/person": [
        "11|Jose|Alonso|f|0|1284620040602|i|b|es|e",
        "12|Wei|Chen|m|0|1284620040603|i|b|zh|e",
        "13|Ada|Berg|f|0|1284620040604|i|b|en|e",
    ],
    "dynamic/person_knows_person": ["11|12|1290000000001"],
    "dynamic/person_hasInterest_tag": ["11|1", "12|2"],
    "dynamic/post": ["21|photo21.jpg|1290664733756|i|b|||0", "22||1290664733757|i|b|uz|About Rumi|10"],
    "dynamic/post_hasCreator_person": ["21|11", "22|12"],
    "dynamic/post_hasTag_tag": ["22|2"],
    "dynamic/comment": [
        "33|1290664733760|i|b|third|5",
        "31|1290664733758|i|b|first|5",
        "32|1290664733759|i|b|second|6",
    ],
    "dynamic/comment_hasCreator_person": ["31|11", "32|12", "33|13"],
    "dynamic/comment_replyOf_post": ["31|22"],
    "dynamic/comment_replyOf_comment": ["32|31", "33|32"],
    "dynamic/person_likes_post": ["11|22|1290664733761"],
    "dynamic/person_likes_comment": ["12|31|1290664733762"],
}


def write_data_set(folder: Path, **changes: list[str | bytes]) -> Path:
    """The small data set, with the rows in `changes` (`dynamic_person=[…]`) instead of its own in those files."""
    for name, columns in COLUMNS.items():
        rows = changes.get(name.replace("/", "_", 1), list(SMALL[name]))
        lines = [row if isinstance(row, bytes) else row.encode() for row in [columns, *rows]]
        path = folder / f"{name}_0_0.csv"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"\n".join(lines) + b"\n")
    return folder


@asynccontextmanager
async def engine_for(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


async def load(url: str, folder: Path, *, strict: bool = False) -> Report:
    async with engine_for(url) as engine:
        return await import_snb(engine, folder, strict=strict, progress=silent)


def silent(_kind: str, _done: int, _total: int) -> None:
    """Nobody watches the progress of a test."""


async def fetch(url: str, statement: str, **values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - bound values.
    async with engine_for(url) as engine, engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement), values)]


async def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in a fixed order; but not of those that tell when the database was made."""
    tables = await fetch(
        url,
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT IN ('alembic_version', 'view_horizon') ORDER BY 1",
    )
    return {table: await fetch(url, f'SELECT t::text FROM "{table}" t ORDER BY 1') for (table,) in tables}  # noqa: S608
