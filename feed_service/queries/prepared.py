"""Statements built once, with parameters for what differs between requests.

Building the statement of a feed takes SQLAlchemy 5 to 15 ms of CPU, and PostgreSQL 0.3 ms to answer it. Which viewer,
how many posts and from where are values; only the shape of a slice changes the text.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import ARRAY, Integer, Select, Text, bindparam

from feed_service.paging import Key, Slice, Sort
from feed_service.queries.batches import WRITTEN_IDS, written
from feed_service.statements import Readable, built_once
from feed_service.viewer import ANONYMOUS, Role, Viewer

Rows = Select[*tuple[Any, ...]]
Build = Callable[..., Rows]

SOMEBODY = Viewer(0)
"""Any viewer who is signed in: `visibility.id_of` makes the id a parameter."""


class Prepared(NamedTuple):
    """A statement and the values of its parameters; run it with `reader.rows(*prepared)`."""

    statement: Readable
    values: Mapping[str, Any]


def anybody_like(viewer: Viewer) -> Viewer:
    """The viewer that stands for all for whom a statement is the same."""
    return ANONYMOUS if viewer.is_anonymous else SOMEBODY


def shape_of(part: Slice) -> Slice:
    """The slice without its values: equal for all slices that make the same statement."""
    after, before = (None if key is None else () for key in (part.after, part.before))
    return Slice(0, part.backwards, after, before, part.is_inclusive)


def with_parameters(shape: Slice, sort: Sort) -> Slice:
    """The slice with parameters in place of its values."""

    def key(end: str, given: Key | None) -> Key | None:
        types = [column.type for column in sort.columns]
        return None if given is None else tuple(bindparam(f"{end}_{n}", type_=kind) for n, kind in enumerate(types))

    limit = cast("int", bindparam("page_limit", type_=Integer))
    return Slice(limit, shape.backwards, key("after", shape.after), key("before", shape.before), shape.is_inclusive)


def values_of(viewer: Viewer, part: Slice) -> dict[str, Any]:
    """What `with_parameters` and `visibility.id_of` left open."""
    ends = {
        f"{end}_{n}": value
        for end, key in (("after", part.after), ("before", part.before))
        for n, value in enumerate(key or ())
    }
    return {"viewer_id": viewer.user_id, "page_limit": part.limit, **ends}


def for_ids(build: Build, ids: Sequence[int], viewer: Viewer | None = None, *args: Hashable) -> Any:  # noqa: ANN401 - a Prepared of what `build` selects.
    """What `build(viewer, ids, *args)`, or `build(ids, *args)` without a viewer, makes.

    Built once for each kind of viewer and `args`: that takes up to 2.8 ms of CPU, and running 0.3 (make bench-writing).
    """
    return Prepared(_for_ids(build, _kind(viewer), args), {"ids": written(ids), "viewer_id": viewer and viewer.user_id})


def for_texts(build: Build, texts: Sequence[str], viewer: Viewer | None = None, *args: Hashable) -> Any:  # noqa: ANN401
    """As `for_ids`, of texts."""
    return Prepared(_for_texts(build, _kind(viewer), args), {"texts": texts, "viewer_id": viewer and viewer.user_id})


def for_parents(
    build: Build, ids: Sequence[int], sort: Sort, part: Slice, viewer: Viewer | None = None, *args: Hashable
) -> Any:  # noqa: ANN401
    """What `build(viewer, ids, *args, part)`, or `build(ids, *args, part)`, makes: one page in `sort` for each parent.

    Built once for each kind of viewer, `args` and shape of the part.
    """
    statement = _for_parents(build, sort, _kind(viewer), args, shape_of(part))
    return Prepared(statement, {"ids": written(ids), **values_of(viewer or ANONYMOUS, part)})


def once(build: Build, *args: Hashable, viewer: Viewer | None = None) -> Any:  # noqa: ANN401
    """What `build(*args)`, or `build(viewer, *args)`, makes."""
    return Prepared(_once(build, _kind(viewer), args), {"viewer_id": viewer and viewer.user_id})


def _kind(viewer: Viewer | None) -> tuple[Viewer, ...]:
    """The viewer that stands for all of the same role, as the first argument; none without a viewer."""
    if viewer is None:
        return ()
    return (KINDS[viewer.is_anonymous, viewer.role],)


KINDS = {
    (is_anonymous, role): Viewer(None if is_anonymous else SOMEBODY.user_id, role)
    for is_anonymous in (True, False)
    for role in Role
}


@built_once
def _for_ids(build: Build, kind: tuple[Viewer, ...], args: tuple[Hashable, ...]) -> Rows:
    return build(*kind, WRITTEN_IDS, *args)


@built_once
def _for_texts(build: Build, kind: tuple[Viewer, ...], args: tuple[Hashable, ...]) -> Rows:
    return build(*kind, bindparam("texts", type_=ARRAY(Text)), *args)


@built_once
def _for_parents(build: Build, sort: Sort, kind: tuple[Viewer, ...], args: tuple[Hashable, ...], shape: Slice) -> Rows:
    return build(*kind, WRITTEN_IDS, *args, with_parameters(shape, sort))


@built_once
def _once(build: Build, kind: tuple[Viewer, ...], args: tuple[Hashable, ...]) -> Rows:
    return build(*kind, *args)
