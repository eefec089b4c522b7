"""A thread read depth first: one index range, walked row by row so that what is hidden or too deep is jumped over.

Each step of the recursion is a few index probes. A page therefore costs its own length, and one step for each hidden
subtree in its way, however large the subtrees are that it jumps over.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, LargeBinary, Select, and_, bindparam, case, cast, func, select, true

from feed_service import models
from feed_service.models.comments import PATH_STEP
from feed_service.paging import Key, Slice, Sort
from feed_service.queries import comments, users
from feed_service.queries.batches import each_of, ids_parameter
from feed_service.queries.paths import Path, subtree_end
from feed_service.queries.prepared import Prepared, anybody_like
from feed_service.queries.visibility import comment_listed_for, comment_shown_to
from feed_service.statements import built_once
from feed_service.viewer import Viewer

SORT = Sort((models.Comment.path,), is_descending=False)

Bytes = ColumnElement[bytes]
Id = ColumnElement[int]

START = bindparam("walk_start", type_=LargeBinary)
"""Where the walk starts, itself left out."""

END = bindparam("walk_end", type_=LargeBinary)
LIMIT = bindparam("page_limit", type_=Integer)
DEEPEST = bindparam("deepest", type_=Integer)
"""Bytes of the paths that are `max_depth` levels deep."""


def trees(viewer: Viewer, post_ids: Sequence[int], part: Slice, max_depth: int) -> Prepared:
    """(under_id, columns of the comment): one page of each thread as read, cut below `max_depth` levels."""
    end = part.after if part.backwards else part.before
    values: dict[str, Any] = {
        "viewer_id": viewer.user_id,
        "parent_ids": list(post_ids),
        "walk_start": _start(part, max_depth),
        "page_limit": part.limit,
        "deepest": PATH_STEP * max_depth,
    }
    if end is not None:
        values["walk_end"] = _at(end)
    return Prepared(statement(anybody_like(viewer), part.backwards, end is not None), values)


@built_once
def statement(viewer: Viewer, backwards: bool, has_end: bool) -> Select[*tuple[Any, ...]]:
    """All threads are walked side by side; each stops by itself when its page, and one row more, is found."""
    walker = _Walk(viewer, backwards, has_end)
    parents = each_of(ids_parameter("parent_ids"))
    first = walker.step(parents.c.parent_id, START).lateral("first")
    walk = (
        select(parents.c.parent_id, *first.c, cast(first.c.is_shown, Integer).label("found"))
        .select_from(parents.join(first, true()))
        .cte("walk", recursive=True)
    )
    following = walker.step(walk.c.parent_id, walk.c.bound).lateral("following")
    walk = walk.union_all(
        select(walk.c.parent_id, *following.c, walk.c.found + cast(following.c.is_shown, Integer))
        .select_from(walk.join(following, true()))
        .where(walk.c.found <= LIMIT)
    )
    comment = models.Comment.__table__
    author = users.authors()
    tombstone = (~comment_listed_for(viewer, comment.c, author.c)).label("is_tombstone")
    row = select(*comments.COMMENT, *users.card_of(author), tombstone)
    # OFFSET 0: looked up by its id, row by row, however many rows PostgreSQL expects of the walk.
    found = row.where(comment.c.id == walk.c.item_id, author.c.id == comment.c.author_id).offset(0)
    shown = found.correlate_except(comment, author).lateral("shown")
    return (
        select(walk.c.parent_id.label("under_id"), *shown.c)
        .select_from(walk.join(shown, true()))
        .where(walk.c.is_shown, walker.in_part(walk.c.path))
        .order_by(walk.c.parent_id, walk.c.found)
        .execution_options(**comments.WITH_AUTHOR)
    )


class _Walk:
    """The steps of one direction, for a viewer, with or without an end."""

    def __init__(self, viewer: Viewer, backwards: bool, has_end: bool) -> None:
        self.viewer = viewer
        self.backwards = backwards
        self.has_end = has_end

    def step(self, post_id: Id, bound: Bytes) -> Select[*tuple[Any, ...]]:
        """(item id, path, is_shown, bound): the next row beyond `bound`, and where the step after it starts."""
        return self._back(post_id, bound) if self.backwards else self._on(post_id, bound)

    def in_part(self, path: Path) -> ColumnElement[bool]:
        """Whether the walk has not passed its end."""
        if not self.has_end:
            return true()
        return path > END if self.backwards else path < END

    def _on(self, post_id: Id, bound: Bytes) -> Select[*tuple[Any, ...]]:
        comment = models.Comment.__table__.alias().c
        is_shown = comment_shown_to(self.viewer, comment)
        row = (
            select(comment.id.label("item_id"), comment.path, is_shown.label("is_shown"))
            .where(comment.post_id == post_id, comment.path > bound, self.in_part(comment.path))
            .order_by(comment.path)
            .limit(1)
            .correlate_except(comment.id.table)
            .lateral("row")
        )
        enters = and_(row.c.is_shown, func.octet_length(row.c.path) < DEEPEST)
        return select(*row.c, case((enters, row.c.path), else_=subtree_end(row.c.path)).label("bound"))

    def _back(self, post_id: Id, bound: Bytes) -> Select[*tuple[Any, ...]]:
        """The row that ends before `bound` may lie too deep: then its ancestor at the deepest level comes next.

        If that one is hidden, the step after it starts before the whole hidden subtree.
        """
        end, comment = (models.Comment.__table__.alias().c for _ in range(2))
        last = (
            select(end.path)
            .where(end.post_id == post_id, end.path < bound, self.in_part(end.path))
            .order_by(end.path.desc())
            .limit(1)
            .correlate_except(end.id.table)
            .lateral("last")
        )
        is_shown = comment_shown_to(self.viewer, comment)
        row = (
            select(comment.id.label("item_id"), comment.path, is_shown.label("is_shown"))
            .where(comment.post_id == post_id, comment.path == _ancestor(last.c.path, DEEPEST))
            .correlate_except(comment.id.table)
            .lateral("row")
        )
        hidden = func.coalesce(self._outermost_hidden(post_id, row.c.path), row.c.path)
        start = case((row.c.is_shown, row.c.path), else_=hidden)
        return select(*row.c, start.label("bound")).select_from(last.join(row, true()))

    def _outermost_hidden(self, post_id: Id, path: Bytes) -> ColumnElement[bytes]:
        hidden = models.Comment.__table__.alias().c
        lengths = func.generate_series(PATH_STEP, func.octet_length(path), PATH_STEP)
        level = lengths.table_valued("length").render_derived(name="level")
        return (
            select(hidden.path)
            .select_from(level)
            .join(hidden.id.table, and_(hidden.post_id == post_id, hidden.path == _ancestor(path, level.c.length)))
            .where(~comment_shown_to(self.viewer, hidden))
            .order_by(level.c.length)
            .limit(1)
            .correlate_except(hidden.id.table, level)
            .scalar_subquery()
        )


def _ancestor(path: Path, length: ColumnElement[int]) -> Bytes:
    """The path, `length` bytes long, of a comment above `path`; `path` itself where that is no longer."""
    return func.substring(path, 1, length)


def _start(part: Slice, max_depth: int) -> bytes:
    if part.backwards:
        return _at(part.before) + (b"\x00" if part.is_inclusive else b"") if part.before else b"\xff"
    if part.after is None:
        return b""
    if part.is_inclusive:
        return _predecessor(_at(part.after))
    is_cut = len(_at(part.after)) >= PATH_STEP * max_depth
    return _at(part.after) + (b"\xff" if is_cut else b"")


def _at(key: Key) -> bytes:
    return bytes(key[0])


def _predecessor(path: bytes) -> bytes:
    """A value that sorts before `path` and after every path that does."""
    return (int.from_bytes(path, "big") - 1).to_bytes(len(path), "big") + b"\xff"
