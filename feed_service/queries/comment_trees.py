"""A thread read depth first: one index range, walked row by row so that what is hidden or too deep is jumped over.

Each step of the recursion is a few index probes. A page therefore costs its own length, and one step for each hidden
subtree in its way, however large the subtrees are that it jumps over.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, LargeBinary, Select, and_, case, cast, func, literal, select, true

from feed_service import models
from feed_service.models.comments import PATH_STEP
from feed_service.paging import Key, Slice, Sort
from feed_service.queries.batches import each
from feed_service.queries.paths import Path, subtree_end
from feed_service.queries.visibility import comment_shown_to
from feed_service.viewer import Viewer

SORT = Sort((models.Comment.path,), is_descending=False)

Bytes = ColumnElement[bytes]
Id = ColumnElement[int]


def trees(viewer: Viewer, post_ids: Sequence[int], part: Slice, max_depth: int) -> Select[*tuple[Any, ...]]:
    """(post id, comment id, path): one page of each thread in reading direction, cut below `max_depth` levels.

    All threads are walked side by side; each stops by itself when its page, and one row more, is found.
    """
    step = _step_back if part.backwards else _step_on
    parents = each(post_ids)
    first = step(viewer, parents.c.parent_id, part, max_depth, _start(part, max_depth)).lateral("first")
    walk = (
        select(parents.c.parent_id, *first.c, cast(first.c.is_shown, Integer).label("found"))
        .select_from(parents.join(first, true()))
        .cte("walk", recursive=True)
    )
    following = step(viewer, walk.c.parent_id, part, max_depth, walk.c.bound).lateral("following")
    walk = walk.union_all(
        select(walk.c.parent_id, *following.c, walk.c.found + cast(following.c.is_shown, Integer))
        .select_from(walk.join(following, true()))
        .where(walk.c.found <= part.limit)
    )
    return (
        select(walk.c.parent_id, walk.c.item_id, walk.c.path)
        .where(walk.c.is_shown, _in_part(walk.c.path, part))
        .order_by(walk.c.parent_id, walk.c.found)
    )


def _step_on(viewer: Viewer, post_id: Id, part: Slice, max_depth: int, bound: Bytes) -> Select[*tuple[Any, ...]]:
    """(item id, path, is_shown, bound): the next row after `bound`, and where the step after it starts."""
    comment = models.Comment.__table__.alias().c
    is_shown = comment_shown_to(viewer, comment)
    row = (
        select(comment.id.label("item_id"), comment.path, is_shown.label("is_shown"))
        .where(comment.post_id == post_id, comment.path > bound, _in_part(comment.path, part))
        .order_by(comment.path)
        .limit(1)
        .correlate_except(comment.id.table)
        .lateral("row")
    )
    enters = and_(row.c.is_shown, func.octet_length(row.c.path) < PATH_STEP * max_depth)
    return select(*row.c, case((enters, row.c.path), else_=subtree_end(row.c.path)).label("bound"))


def _step_back(viewer: Viewer, post_id: Id, part: Slice, max_depth: int, bound: Bytes) -> Select[*tuple[Any, ...]]:
    """The same for the row before `bound`.

    The row that ends before `bound` may lie too deep: then its ancestor at `max_depth` comes next. If that one is
    hidden, the step after it starts before the whole hidden subtree.
    """
    deepest, comment, hidden = (models.Comment.__table__.alias().c for _ in range(3))
    last = (
        select(deepest.path)
        .where(deepest.post_id == post_id, deepest.path < bound, _in_part(deepest.path, part))
        .order_by(deepest.path.desc())
        .limit(1)
        .correlate_except(deepest.id.table)
        .lateral("last")
    )
    row = (
        select(comment.id.label("item_id"), comment.path, comment_shown_to(viewer, comment).label("is_shown"))
        .where(comment.post_id == post_id, comment.path == _ancestor(last.c.path, literal(max_depth * PATH_STEP)))
        .correlate_except(comment.id.table)
        .lateral("row")
    )
    lengths = func.generate_series(PATH_STEP, func.octet_length(row.c.path), PATH_STEP)
    level = lengths.table_valued("length").render_derived(name="level")
    outermost_hidden = (
        select(hidden.path)
        .select_from(level)
        .join(hidden.id.table, and_(hidden.post_id == post_id, hidden.path == _ancestor(row.c.path, level.c.length)))
        .where(~comment_shown_to(viewer, hidden))
        .order_by(level.c.length)
        .limit(1)
        .correlate_except(hidden.id.table, level)
        .scalar_subquery()
    )
    start = case((row.c.is_shown, row.c.path), else_=func.coalesce(outermost_hidden, row.c.path))
    return select(*row.c, start.label("bound")).select_from(last.join(row, true()))


def _ancestor(path: Path, length: ColumnElement[int]) -> Bytes:
    """The path, `length` bytes long, of a comment above `path`; `path` itself where that is no longer."""
    return func.substring(path, 1, length)


def _start(part: Slice, max_depth: int) -> Bytes:
    """Where the walk starts, itself left out."""
    if part.backwards:
        start = _at(part.before) + (b"\x00" if part.is_inclusive else b"") if part.before else b"\xff"
    elif part.after is None:
        start = b""
    elif part.is_inclusive:
        start = _predecessor(_at(part.after))
    else:
        is_cut = len(_at(part.after)) >= PATH_STEP * max_depth
        start = _at(part.after) + (b"\xff" if is_cut else b"")
    return literal(start, LargeBinary)


def _in_part(path: Path, part: Slice) -> ColumnElement[bool]:
    """Whether the walk has not passed the far end of its part."""
    if part.backwards and part.after is not None:
        return path > literal(_at(part.after), LargeBinary)
    if not part.backwards and part.before is not None:
        return path < literal(_at(part.before), LargeBinary)
    return true()


def _at(key: Key) -> bytes:
    return bytes(key[0])


def _predecessor(path: bytes) -> bytes:
    """A value that sorts before `path` and after every path that does."""
    return (int.from_bytes(path, "big") - 1).to_bytes(len(path), "big") + b"\xff"
