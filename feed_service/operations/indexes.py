"""Indexes that are not used, that are there twice, or that are broken; and foreign keys that have none.

Nothing here ever names an index that keeps a rule: unique, primary, excluding, or what a constraint stands on.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from feed_service.operations.asking import Questions
from feed_service.operations.index_rows import ForeignKey, Index, all_foreign_keys, all_indexes, left_out
from feed_service.operations.statistics_age import StatisticsAge, statistics_age

LEAST_AGE = timedelta(days=1)
"""Of the statistics, before an index is said to be unused."""

REVERSED = 3
"""What the options of a column differ by, if one index has it ascending and the other descending."""


@dataclass(frozen=True)
class Redundant:
    """`index` finds nothing that `by` does not find: it is the same (`is_same`), or the beginning of it."""

    index: Index
    by: Index
    is_same: bool


@dataclass(frozen=True)
class Indexes:
    """`unused` is None if the statistics are too young to tell; `left_out`: tables that are locked."""

    statistics: StatisticsAge
    number: int
    bytes: int
    unused: Sequence[Index] | None
    redundant: Sequence[Redundant]
    invalid: Sequence[Index]
    unindexed: Sequence[ForeignKey]
    all: Sequence[Index]
    left_out: Sequence[str]


async def indexes(ask: Questions, least_age: timedelta = LEAST_AGE) -> Indexes:
    age = await statistics_age(ask)
    # In this order: what is locked meanwhile is left out of both.
    keys, every, locked = await all_foreign_keys(ask), await all_indexes(ask), await left_out(ask)
    keys = [key for key in keys if key.table not in locked]
    redundant = list(redundancies(every))
    named = {found.index.oid for found in redundant}
    unused = [index for index in unused_of(every, keys) if index.oid not in named]
    return Indexes(
        age,
        len(every),
        sum(index.bytes or 0 for index in every),
        unused if age.is_at_least(least_age) else None,
        redundant,
        [index for index in every if not index.is_valid and not index.is_being_made],
        [key for key in keys if not any(supports(index, key) for index in every)],
        every,
        locked,
    )


def supports(index: Index, key: ForeignKey) -> bool:
    """Whether PostgreSQL finds the rows of a foreign key by it: its columns come first, and no row may be missing."""
    wanted = set(key.columns)
    is_whole = not index.predicate or any(
        index.predicate.replace('"', "") == f"({name} IS NOT NULL)" for name in key.column_names
    )
    begins = set(index.keys[: len(wanted)]) == wanted
    return index.table_oid == key.table_oid and index.is_valid and index.method == "btree" and begins and is_whole


def unused_of(every: Sequence[Index], keys: Sequence[ForeignKey]) -> Iterator[Index]:
    """Valid ones that were never read, keep no rule, and are not what a foreign key needs."""
    needed = {index.oid for key in keys for index in _supporting(every, key)}
    for index in every:
        is_free = not index.is_constraint and index.serves != "foreign key" and index.oid not in needed
        if is_free and index.is_valid and not index.scans:
            yield index


def _supporting(every: Sequence[Index], key: ForeignKey) -> list[Index]:
    """The one that is read most, so that of several the others may go."""
    found = [index for index in every if supports(index, key)]
    return (
        [max(found, key=lambda index: (index.is_constraint, index.scans or 0, -len(index.keys), -index.oid))]
        if found
        else []
    )


def redundancies(every: Sequence[Index]) -> Iterator[Redundant]:
    """Each index that another makes needless, once. Of two that are the same, the one that is read less."""
    by_table: dict[int, list[Index]] = defaultdict(list)
    for index in every:
        if index.is_valid:
            by_table[index.table_oid].append(index)
    for found in by_table.values():
        going: set[int] = set()
        for index in sorted(found, key=lambda index: (index.scans or 0, -index.oid)):
            if index.is_constraint:
                continue
            by = next(
                (other for other in found if other.oid not in going | {index.oid} and _covers(other, index)), None
            )
            if by is not None:
                going.add(index.oid)
                yield Redundant(index, by, is_same=len(by.keys) == len(index.keys))


def _covers(other: Index, index: Index) -> bool:
    """Whether `other` begins with the columns of `index`, in their order or wholly reversed, for the same rows."""
    number = len(index.keys)
    if (other.method, other.predicate) != (index.method, index.predicate) or len(other.keys) < number:
        return False
    if len(other.keys) > number and (index.method != "btree" or index.expressions or 0 in other.keys[:number]):
        return False
    if index.expressions != other.expressions and (index.expressions or len(other.keys) == number):
        return False
    begins = all(
        list(getattr(other, part))[:number] == list(getattr(index, part))[:number]
        for part in ("keys", "classes", "collations")
    )
    return begins and set(index.columns) <= set(other.columns) and _same_order(other, index, number)


def _same_order(other: Index, index: Index, number: int) -> bool:
    turns = {one ^ two for one, two in zip(list(other.options)[:number], list(index.options)[:number], strict=True)}
    return turns == {0} or (turns == {REVERSED} and index.method == "btree")
