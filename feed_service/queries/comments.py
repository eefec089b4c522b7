"""Comments of a post and replies to a comment, as siblings in an order; the whole thread is in `comment_trees`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, false, or_, select

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries import users
from feed_service.queries.batches import Ids, each_page, is_any, per_parent
from feed_service.queries.stats import comment_counts
from feed_service.queries.visibility import (
    comment_accessible_to,
    comment_listed_for,
    comment_shown_to,
    has_listed_descendant,
    post_accessible_to,
)
from feed_service.viewer import Viewer
from feed_service.vocabulary import CommentOrder

Rows = Select[*tuple[Any, ...]]

COMMENT = tuple(column for column in models.Comment.__table__.columns if column.key != "deleted_by_id")
"""Whatever can be shown of one."""

SHORT = tuple(column for column in COMMENT if column.key in {"id", "post_id", "author_id", "body", "created_at"})
"""What is shown of each: not where it hangs, and what became of it. A feed reads sixty."""

SORTS = {
    CommentOrder.TOP: Sort((models.CommentRank.like_count, models.CommentRank.comment_id)),
    CommentOrder.NEWEST: Sort((models.Comment.created_at, models.Comment.id)),
    CommentOrder.OLDEST: Sort((models.Comment.created_at, models.Comment.id), is_descending=False),
}


WITH_AUTHOR = users.with_author(models.Comment)


def shown_by_ids(viewer: Viewer, comment_ids: Ids) -> Rows:
    """Comments as a thread shows them: a tombstone where only something below is listed. With their authors' cards."""
    author = users.authors()
    listed, shown = comment_listed_for(viewer, author=author.c), comment_shown_to(viewer, author=author.c)
    return _with(author, ~listed).where(is_any(models.Comment.id, comment_ids), shown)


def accessible_by_ids(viewer: Viewer, comment_ids: Ids) -> Rows:
    """Comments opened by their ids, under posts that the viewer may open; whole for a moderator."""
    author = users.authors()
    accessible = comment_accessible_to(viewer, author.c)
    post_is_accessible = select(models.Post.id).where(
        models.Post.id == models.Comment.post_id, post_accessible_to(viewer)
    )
    shown = accessible | comment_shown_to(viewer, author=author.c)
    return _with(author, ~accessible).where(is_any(models.Comment.id, comment_ids), shown, post_is_accessible.exists())


def _with(author: FromClause, is_tombstone: ColumnElement[bool]) -> Rows:
    joined = models.Comment.__table__.join(author, author.c.id == models.Comment.author_id)
    comments = select(*COMMENT, *users.card_of(author), is_tombstone.label("is_tombstone")).select_from(joined)
    return comments.execution_options(**WITH_AUTHOR)


def last_at(post_id: Any) -> Select[datetime]:  # noqa: ANN401 - a column of the statement around it.
    """(when the newest comment that counts was written,); no row without any."""
    newest = select(models.Comment.created_at).where(models.Comment.post_id == post_id, comment_counts())
    return newest.order_by(models.Comment.created_at.desc()).limit(1)


def roots_of_posts(viewer: Viewer, post_ids: Ids, order: CommentOrder, whole: bool, part: Slice) -> Rows:
    """(under_id, sort columns, columns of the comment, its author's card): the page of comments on each post itself.

    `whole`: with more than the `SHORT` columns.
    """
    return _siblings(post_ids, order, part, _is_root, _shown(viewer, whole))


def previews_of_posts(viewer: Viewer, post_ids: Ids, order: CommentOrder, number: int, whole: bool) -> Rows:
    """Comments, `number` of them for each post, without tombstones and without their place in the order."""
    part = Slice(number - 1)

    def page(post_id: ColumnElement[int]) -> Rows:
        judged = _judged(viewer)
        comments = _beside(judged, false(), whole).where(judged.c.is_listed)
        return _page(post_id, order, part, _is_root, comments)

    return each_page(post_ids, page).execution_options(**WITH_AUTHOR)


def replies_of_comments(viewer: Viewer, comment_ids: Ids, order: CommentOrder, whole: bool, part: Slice) -> Rows:
    """As `roots_of_posts`, of the direct replies to each comment."""
    return _siblings(comment_ids, order, part, _is_reply, _shown(viewer, whole))


def _is_root(comment: Any, post_id: ColumnElement[int]) -> Any:  # noqa: ANN401 - Comment or CommentRank.
    return (comment.post_id == post_id) & comment.parent_id.is_(None)


def _is_reply(comment: Any, parent_id: ColumnElement[int]) -> Any:  # noqa: ANN401 - Comment or CommentRank.
    return comment.parent_id == parent_id


def _shown(viewer: Viewer, whole: bool) -> Rows:
    """Comments as a thread shows them."""
    judged = _judged(viewer)
    shown = or_(judged.c.is_listed, has_listed_descendant(viewer))
    return _beside(judged, ~judged.c.is_listed, whole).where(shown)


def _judged(viewer: Viewer) -> FromClause:
    """(is_listed, its author's card) of a comment. OFFSET 0 keeps this one look at its author."""
    author = users.authors()
    is_listed = comment_listed_for(viewer, author=author.c).label("is_listed")
    judged = select(is_listed, *users.card_of(author)).where(author.c.id == models.Comment.author_id)
    return judged.correlate(models.Comment).offset(0).lateral("judged")


def _beside(judged: FromClause, is_tombstone: ColumnElement[bool], whole: bool) -> Rows:
    card = [column for column in judged.c if column.key != "is_listed"]
    columns = COMMENT if whole else SHORT
    return select(*columns, *card, is_tombstone.label("is_tombstone")).select_from(models.Comment, judged)


def _siblings(
    parent_ids: Ids,
    order: CommentOrder,
    part: Slice,
    siblings: Callable[[Any, ColumnElement[int]], Any],
    comments: Rows,
) -> Rows:
    keyed = comments.add_columns(*SORTS[order].columns) if order is CommentOrder.TOP else comments

    def page(parent_id: ColumnElement[int]) -> Rows:
        return _page(parent_id, order, part, siblings, keyed)

    return per_parent(parent_ids, page).execution_options(**WITH_AUTHOR)


def _page(
    parent_id: ColumnElement[int],
    order: CommentOrder,
    part: Slice,
    siblings: Callable[[Any, ColumnElement[int]], Any],
    comments: Rows,
) -> Rows:
    if order is not CommentOrder.TOP:
        return SORTS[order].slice(comments.where(siblings(models.Comment, parent_id)), part)
    rank = models.CommentRank
    ranked = comments.where(rank.comment_id == models.Comment.id)
    return SORTS[order].slice(ranked.where(siblings(rank, parent_id)), part)
