"""Where stored numbers, ranks and words are not what a recount says; what each of them means is in `stats`, `derived`.

One statement compares the two, hence in one snapshot: every command moves a number in the transaction that moves what
is counted, so that writers cause no difference that is not there.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.sql import FromClause

from feed_service import models
from feed_service.queries.batches import ids_parameter
from feed_service.queries.stats import Numbers, among

IDS = ids_parameter("ids")


def columns_of(model: type[models.Base], definition: Numbers) -> tuple[list[str], list[str]]:
    """(names of the key, names of what is compared). Columns that the definition leaves out cannot be recounted."""
    keys = [column.name for column in model.__table__.primary_key]
    return keys, [column.name for column in definition.selected_columns if column.name not in keys]


def drift(model: type[models.Base], definition: Numbers) -> Select[*tuple[Any, ...]]:
    """(key, stored_x, wanted_x, …, is_missing, is_superfluous) of the rows of `:ids` that differ.

    `definition` is for `:ids` as well, which are values of the first column of the key.
    """
    keys, names = columns_of(model, definition)
    table: FromClause = model.__table__
    own = among(table.c[keys[0]], IDS)
    stored = select(*(table.c[name] for name in (*keys, *names))).where(own).subquery("stored")
    wanted = definition.subquery("wanted")
    is_missing, is_superfluous = stored.c[keys[0]].is_(None), wanted.c[keys[0]].is_(None)
    differs = [stored.c[name].is_distinct_from(wanted.c[name]) for name in names]
    both = [column for name in names for column in sides(stored, wanted, name)]
    key = [func.coalesce(stored.c[name], wanted.c[name]).label(name) for name in keys]
    told = (is_missing.label("is_missing"), is_superfluous.label("is_superfluous"))
    return (
        select(*key, *both, *told)
        .select_from(stored.outerjoin(wanted, and_(*same(stored, wanted, keys)), full=True))
        .where(or_(is_missing, is_superfluous, *differs))
        .order_by(*key)
    )


def sides(stored: FromClause, wanted: FromClause, name: str) -> tuple[Any, Any]:
    return stored.c[name].label(f"stored_{name}"), wanted.c[name].label(f"wanted_{name}")


def same(one: FromClause, other: FromClause, names: Sequence[str]) -> list[Any]:
    return [one.c[name] == other.c[name] for name in names]
