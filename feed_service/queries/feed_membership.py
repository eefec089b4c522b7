"""Which of some posts are in a feed now: the feeds of `feeds`, asked post by post instead of read from the top."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Select, and_, bindparam, false, func, or_, select, true

from feed_service import models
from feed_service.queries.batches import each_of, ids_parameter, is_any
from feed_service.queries.feed_filters import FeedFilter, conditions
from feed_service.queries.feed_users import are_followed
from feed_service.queries.prepared import SOMEBODY, Prepared, anybody_like
from feed_service.queries.visibility import (
    id_of,
    not_blocked_for,
    not_muted_for,
    post_is_live,
    user_is_live,
    user_listed_for,
)
from feed_service.statements import built_once
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind

Rows = Select[*tuple[Any, ...]]

KEPT_STATEMENTS = 500
"""Statements that stay built: a client that polls asks the same filter again and again."""


def membership(
    viewer: Viewer, kind: FeedKind, post_ids: Sequence[int], wanted: FeedFilter, since: datetime | None = None
) -> Prepared:
    """(id, published_at, author_id, is_in, author_gone_at): of each post, whatever its state, whether it is in now.

    In the feed, that is, passing the filter, and published after `since`. `author_gone_at`: since when the author has
    been suspended or deleted.
    """
    statement = statement_of(anybody_like(viewer), kind, wanted, since is not None)
    values = {"ids": list(post_ids), "viewer_id": viewer.user_id} | ({} if since is None else {"since": since})
    return Prepared(statement, values)


@partial(built_once, most=KEPT_STATEMENTS)
def statement_of(viewer: Viewer, kind: FeedKind, wanted: FeedFilter, has_window: bool) -> Rows:
    post, author = models.Post, models.User.__table__.alias("author")
    is_recent = post.published_at > bindparam("since", type_=DateTime(timezone=True)) if has_window else true()
    is_in = and_(post_is_live(), _is_of_kind(viewer, kind), is_recent, *conditions(wanted))
    gone_at = func.least(author.c.suspended_at, author.c.deleted_at)
    return (
        select(
            post.id,
            post.published_at,
            post.author_id,
            func.coalesce(is_in, false()).label("is_in"),
            gone_at.label("author_gone_at"),
        )
        .join(author, author.c.id == post.author_id)
        .where(is_any(post.id, ids_parameter("ids")))
    )


def tagged_authors(viewer: Viewer, author_ids: Sequence[int]) -> Prepared:
    """(author_id,): who of these has ever used a tag that the viewer follows, on a post in any state."""
    return Prepared(TAGGED_AUTHORS, {"ids": list(author_ids), "viewer_id": viewer.user_id})


def _is_of_kind(viewer: Viewer, kind: FeedKind) -> ColumnElement[bool]:
    """Whether the post is one of the kind's, beside being live."""
    author_id = models.Post.author_id
    match kind:
        case FeedKind.HOME:
            is_own = author_id == id_of(viewer)
            return and_(user_is_live(author_id), or_(is_own, _is_followed(viewer), _has_followed_tag(viewer)))
        case FeedKind.FOLLOWING_USERS:
            return and_(user_is_live(author_id), _is_followed(viewer))
        case FeedKind.FOLLOWING_TAGS:
            return and_(user_is_live(author_id), _has_followed_tag(viewer))
        case _:
            return and_(user_listed_for(viewer, author_id), not_muted_for(viewer, author_id))


def _is_followed(viewer: Viewer) -> ColumnElement[bool]:
    """As a scalar subquery it is one look into an index for each post; EXISTS could be answered by a hash of all."""
    follow = models.UserFollow
    followed = select(true()).where(*are_followed(viewer), follow.followee_id == models.Post.author_id)
    return followed.correlate(models.Post).scalar_subquery()


def _has_followed_tag(viewer: Viewer) -> ColumnElement[bool]:
    post, use = models.Post, models.PostTag
    tagged = select(true()).where(use.post_id == post.id, _is_tag_followed(viewer)).limit(1)
    return and_(
        tagged.correlate(post).scalar_subquery(),
        not_blocked_for(viewer, post.author_id),
        not_muted_for(viewer, post.author_id),
    )


def _is_tag_followed(viewer: Viewer) -> ColumnElement[bool]:
    """Looked up for each tag of a post: a join could read all that the viewer follows for each post."""
    use, follow = models.PostTag, models.TagFollow
    followed = select(true()).where(follow.tag_id == use.tag_id, follow.user_id == id_of(viewer))
    return followed.correlate(use).scalar_subquery()


def _tagged_authors(viewer: Viewer) -> Rows:
    use, authors = models.PostTag, each_of(ids_parameter("ids"))
    tagged = select(true()).where(use.author_id == authors.c.parent_id, _is_tag_followed(viewer)).limit(1)
    return select(authors.c.parent_id.label("author_id")).where(tagged.correlate(authors).scalar_subquery())


TAGGED_AUTHORS = _tagged_authors(SOMEBODY)
