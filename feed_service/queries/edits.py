"""What posts and comments said before their edits, latest edit first."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import Ids, is_any, per_parent
from feed_service.queries.visibility import earlier_text_shown_to
from feed_service.viewer import Viewer

SORT = Sort((models.ContentEdit.version,))


def of_posts(post_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(post id, edit id, version). Who may see the post is judged apart."""
    return _of(models.ContentEdit.post_id, post_ids, part)


def of_comments(comment_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(comment id, edit id, version). Who may see the comment is judged apart."""
    return _of(models.ContentEdit.comment_id, comment_ids, part)


def by_ids(viewer: Viewer, edit_ids: Ids) -> Select[*tuple[Any, ...]]:
    """The edits, each with whether the viewer may read what was there before."""
    edits = select(models.ContentEdit, earlier_text_shown_to(viewer).label("is_text_shown"))
    return edits.where(is_any(models.ContentEdit.id, edit_ids))


def _of(subject: InstrumentedAttribute[int | None], subject_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    def page(subject_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        edits = select(models.ContentEdit.id.label("item_id"), *SORT.columns)
        return SORT.slice(edits.where(subject == subject_id), part)

    return per_parent(subject_ids, page)
