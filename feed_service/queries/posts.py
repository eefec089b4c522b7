"""Which posts, and the lists of posts that hang on an author or a tag."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import Ids, Texts, is_any, per_parent
from feed_service.queries.counters import numbers_of_post
from feed_service.queries.visibility import (
    not_muted_for,
    post_accessible_to,
    post_is_live,
    post_listed_for,
    post_listed_once_due_for,
    user_listed_for,
)
from feed_service.statements import ROWS_OF
from feed_service.viewer import Viewer
from feed_service.vocabulary import PostOrder

TOP_OF_TAG_CANDIDATES = 2_000
"""`Tag.posts` in TOP order ranks this many of the tag's newest posts."""

AUTHOR_SORTS = {
    PostOrder.NEWEST: Sort((models.Post.published_at, models.Post.id), is_clocked=True),
    PostOrder.OLDEST: Sort((models.Post.published_at, models.Post.id), is_descending=False, is_clocked=True),
    PostOrder.TOP: Sort((models.PostRank.like_count, models.PostRank.post_id)),
}
TAG_SORTS = {
    PostOrder.NEWEST: Sort((models.PostTag.published_at, models.PostTag.post_id), is_clocked=True),
    PostOrder.OLDEST: Sort((models.PostTag.published_at, models.PostTag.post_id), is_descending=False, is_clocked=True),
    PostOrder.TOP: Sort((models.PostStats.like_count, models.PostStats.post_id)),
}
DRAFTS = Sort((models.Post.updated_at, models.Post.id))
SCHEDULED = Sort((models.Post.published_at, models.Post.id), is_descending=False)

POST = tuple(column for column in models.Post.__table__.columns if column.key not in {"updated_at", "deleted_by_id"})
"""Whatever can be shown of one. The driver takes 0.5 µs for each time, thirty times as much as for a number."""

NOT_DELETED = models.Post.deleted_at.is_(None)
DRAFT: ColumnElement[str] = literal_column("'draft'")
WAITING: ColumnElement[str] = literal_column("'scheduled'")
"""Literals, because PostgreSQL must know that the partial indexes hold what is asked for."""

NEVER: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")


def by_ids(viewer: Viewer, post_ids: Ids) -> Select[models.Post]:
    """Posts with the ids of their tags, in no order, and with their numbers, as `counters.of_posts` names them."""
    return _whole(is_any(models.Post.id, post_ids), post_accessible_to(viewer))


def by_slugs(viewer: Viewer, slugs: Texts) -> Select[models.Post]:
    return _whole(is_any(models.Post.slug, slugs), post_accessible_to(viewer))


def in_feeds_by_ids(viewer: Viewer, post_ids: Ids) -> Select[models.Post]:
    """The same of those posts that stand in the viewer's feeds."""
    wanted = is_any(models.Post.id, post_ids)
    return _whole(wanted, post_listed_for(viewer), not_muted_for(viewer, models.Post.author_id))


def beside(found: FromClause) -> FromClause:
    """The whole post of each row of `found`, which has its `id` and has decided that it is seen.

    OFFSET 0 has each looked up by its id: of a page whose size is a parameter PostgreSQL expects a tenth of all posts.
    """
    return _whole(models.Post.id == found.c.id).correlate(found).offset(0).lateral("whole")


def _whole(*wanted: ColumnElement[bool]) -> Select[models.Post]:
    """One look into one index for each post, its tags and its numbers, which share their post's fate."""
    post, use, stored = models.Post, models.PostTag, models.PostStats
    tag_ids = func.array(select(use.tag_id).where(use.post_id == post.id).correlate_except(use).scalar_subquery())
    posts = select(*POST, tag_ids.label("tag_ids"), *numbers_of_post())
    whole = posts.outerjoin(stored, stored.post_id == post.id).where(*wanted)
    return whole.execution_options(**{ROWS_OF: post})


def of_authors(viewer: Viewer, author_ids: Ids, order: PostOrder, part: Slice) -> Select[*tuple[Any, ...]]:
    """(author id, post id, sort columns): the page of each author's listed posts."""

    def page(author_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        sort = AUTHOR_SORTS[order]
        posts = select(models.Post.id.label("item_id"), *sort.columns).where(post_listed_once_due_for(viewer))
        if order is PostOrder.TOP:
            posts = posts.join(models.PostRank, models.PostRank.post_id == models.Post.id).where(post_is_live())
            return sort.slice(posts.where(models.PostRank.author_id == author_id), part)
        return sort.slice(posts.where(models.Post.author_id == author_id), part)

    return per_parent(author_ids, page)


def with_tags(viewer: Viewer, tag_ids: Ids, order: PostOrder, part: Slice) -> Select[*tuple[Any, ...]]:
    """(tag id, post id, sort columns): the page of each tag's listed posts."""

    def page(tag_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        tagged = _listed_with_tag(viewer, tag_id)
        sort = TAG_SORTS[order]
        if order is not PostOrder.TOP:
            return sort.slice(tagged, part)
        candidates = TAG_SORTS[PostOrder.NEWEST].slice(tagged, Slice(TOP_OF_TAG_CANDIDATES - 1))
        newest = candidates.correlate_except(models.PostTag).lateral("newest")
        ranked = select(newest.c.item_id, *sort.columns).select_from(
            newest.join(models.PostStats, models.PostStats.post_id == newest.c.item_id)
        )
        return sort.slice(ranked, part)

    return per_parent(tag_ids, page)


def drafts_of(author_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(author id, post id, updated_at, post id): drafts, touched last first. Only their author may ask."""

    def page(author_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        drafts = select(models.Post.id.label("item_id"), *DRAFTS.columns)
        is_draft = and_(models.Post.author_id == author_id, models.Post.status == DRAFT, NOT_DELETED)
        return DRAFTS.slice(drafts.where(is_draft), part)

    return per_parent(author_ids, page)


def scheduled_of(author_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(author id, post id, published_at, post id): posts whose time has not come, next first. As `drafts_of`."""

    def page(author_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        post = models.Post
        scheduled = select(post.id.label("item_id"), *SCHEDULED.columns)
        is_scheduled = and_(post.published_at > func.now(), post.published_at < NEVER)
        return SCHEDULED.slice(scheduled.where(post.author_id == author_id, NOT_DELETED, is_scheduled), part)

    return per_parent(author_ids, page)


def due() -> Select[*tuple[Any, ...]]:
    """(id, author_id, published_at, now) of up to `:limit` posts whose time has come and which are not counted yet."""
    post = models.Post
    columns = (post.id, post.author_id, post.published_at, func.now().label("now"))
    is_waiting = and_(post.status == WAITING, NOT_DELETED)
    counted_next = select(*columns).where(is_waiting, post.published_at <= func.now())
    return counted_next.order_by(post.published_at, post.id).limit(bindparam("limit", type_=BigInteger))


def _listed_with_tag(viewer: Viewer, tag_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
    """Listed posts of one tag, read from the tag's own index alone."""
    tagged = models.PostTag
    return select(tagged.post_id.label("item_id"), tagged.published_at, tagged.post_id).where(
        and_(
            tagged.tag_id == tag_id,
            ~tagged.is_deleted,
            user_listed_for(viewer, tagged.author_id),
        )
    )
