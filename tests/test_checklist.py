"""Laws of performance that are read off the code; docs/checklist.md tells which law holds what."""

import ast
from pathlib import Path

from sqlalchemy import Column, Index, Table, UniqueConstraint, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import configure_mappers

from feed_service import models
from feed_service.cache import entries
from feed_service.database import ReadDatabase
from feed_service.exports.stream import ExportDatabase
from feed_service.paging import Slice
from feed_service.queries import feeds, posts
from feed_service.statements import reading
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS
from feed_service.vocabulary import FeedKind, PostOrder

PACKAGE = Path(__file__).parent.parent / "feed_service"
TABLES = models.Base.metadata.sorted_tables
A_DAY_S = 86_400
TIMEOUTS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]


def test_nothing_is_loaded_by_touching_an_attribute() -> None:
    configure_mappers()
    ways = {str(one): one.lazy for mapper in models.Base.registry.mappers for one in mapper.relationships}
    assert ways
    assert ways == dict.fromkeys(ways, "raise")


def test_a_text_that_nobody_asks_for_is_not_read() -> None:
    short, whole = (
        reading(feeds.by_time(ANONYMOUS, FeedKind.GLOBAL, PostOrder.NEWEST, Slice(20), parts).statement).statement.text
        for parts in (frozenset[str](), posts.WHOLE)
    )
    assert "posts.body" in whole
    assert "post_stats" in whole
    assert "posts.body" not in short
    assert "post_stats" not in short


def test_every_reference_has_an_index_that_begins_with_it() -> None:
    """Without one, to delete what is referred to reads all that refers."""
    missing = [
        (table.name, columns)
        for table in TABLES
        for key in table.foreign_key_constraints
        if (columns := [column.name for column in key.columns]) not in [known[: len(columns)] for known in leads(table)]
    ]
    assert not missing


def leads(table: Table) -> list[list[str]]:
    """The columns of each index, and of each constraint that has one."""
    constraints = [table.primary_key, *(one for one in table.constraints if isinstance(one, UniqueConstraint))]
    return [*map(expressions, table.indexes), *([column.name for column in one.columns] for one in constraints)]


def test_no_index_is_the_beginning_of_another() -> None:
    """One that is unique says more than where rows are."""
    repeated = [
        (one.name, other.name)
        for table in TABLES
        for one in table.indexes
        for other in table.indexes
        if one is not other
        and not one.unique
        and kind(one) == kind(other)
        and expressions(other)[: len(expressions(one))] == expressions(one)
    ]
    assert not repeated


def expressions(index: Index) -> list[str]:
    """Plain columns by their names, labels by what they name."""
    return [one.name if isinstance(one, Column) else str(getattr(one, "element", one)) for one in index.expressions]


def kind(index: Index) -> list[str]:
    """The method, the rows that it has, and how it compares."""
    return [str(index.dialect_options["postgresql"][name]) for name in ("using", "where", "ops")]


def test_no_page_is_found_by_counting_rows() -> None:
    """OFFSET 0 keeps PostgreSQL from moving a condition; a constant in capitals is a bound, and no page."""
    paged = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "offset"
        if not all(is_fixed(given) for given in node.args)
    ]
    assert not paged


def is_fixed(given: ast.expr) -> bool:
    return all(part.id.isupper() for part in ast.walk(given) if isinstance(part, ast.Name))


def test_whatever_is_kept_ends_and_has_a_greatest_size() -> None:
    kept = [entry for entry in vars(entries).values() if isinstance(entry, entries.Entry)]
    assert kept
    for entry in kept:
        assert 0 < entry.ttl_s <= A_DAY_S, entry.name
        assert 0 < entry.max_bytes <= 100_000, entry.name
        assert entry.negative_s <= entry.ttl_s, entry.name


async def test_every_connection_has_its_timeouts(database_url: str) -> None:
    reads, writes = ReadDatabase.connect(database_url), WriteDatabase.connect(database_url)
    exports = ExportDatabase.connect(database_url)
    try:
        found = [await unlimited(database.engine) for database in (reads, writes, exports)]
    finally:
        for database in (reads, writes, exports):
            await database.close()
    # One that reads begins no transaction, and takes no lock that others wait for.
    assert found == [{"lock_timeout", "idle_in_transaction_session_timeout"}, set(), set()]


OFF = text("SELECT name FROM pg_settings WHERE name = ANY (:names) AND setting = '0'")


async def unlimited(engine: AsyncEngine) -> set[str]:
    """Which of the timeouts of PostgreSQL are off."""
    async with engine.connect() as connection:
        return set(await connection.scalars(OFF, {"names": TIMEOUTS}))
