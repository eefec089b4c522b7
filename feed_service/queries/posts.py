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
from feed_service.queries import users, viewer_states
from feed_service.queries.batches import Ids, Texts, is_any, per_parent
from feed_service.queries.counters import counts_of_post, moments_of_post
from feed_service.queries.visibility import (
    not_muted_for,
    post_accessible_to,
    post_is_live,
    post_listed_for,
    post_listed_once_due_for,
    user_listed_for,
)
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

COLUMNS = models.Post.__table__.columns
SHORT = ("id", "author_id", "slug", "title", "status", "created_at", "published_at")
"""What is read of every one. The driver takes 0.6 µs for each time, ten times as much as for a number."""

BODY, REST, TAGS, COUNTS, MOMENTS, STATE = PARTS = ("body", "rest", "tags", "counts", "moments", "state")
"""What is read with a post if it is wanted; `rest` are its other columns, `state` is of a viewer who is signed in."""

UNSEEN = ("updated_at", "deleted_by_id")
WHOLE = frozenset({BODY, REST, TAGS, COUNTS, MOMENTS})
STATES = frozenset({"has_liked", "has_bookmarked"})

NOT_DELETED = models.Post.deleted_at.is_(None)
DRAFT: ColumnElement[str] = literal_column("'draft'")
WAITING: ColumnElement[str] = literal_column("'scheduled'")
"""Literals, because PostgreSQL must know that the partial indexes hold what is asked for."""

NEVER: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")


WITH_AUTHOR = users.with_author(models.Post)


def by_ids(viewer: Viewer, post_ids: Ids, parts: frozenset[str] = WHOLE) -> Select[models.Post]:
    """Posts in no order, with the cards of their authors, and with those of `PARTS` that are wanted."""
    return _accessible(viewer, is_any(models.Post.id, post_ids), parts)


def by_slugs(viewer: Viewer, slugs: Texts, parts: frozenset[str] = WHOLE) -> Select[models.Post]:
    return _accessible(viewer, is_any(models.Post.slug, slugs), parts)


def in_feeds_by_ids(viewer: Viewer, post_ids: Ids, parts: frozenset[str] = WHOLE) -> Select[models.Post]:
    """The same of those posts that stand in the viewer's feeds."""
    author = users.authors()
    listed = post_listed_for(viewer, author=author.c), not_muted_for(viewer, models.Post.author_id)
    return _with(viewer, author, parts).where(is_any(models.Post.id, post_ids), *listed)


def beside(viewer: Viewer, found: FromClause, parts: frozenset[str]) -> FromClause:
    """The post of each row of `found`, which has its `id` and has decided that it is seen.

    OFFSET 0 has each looked up by its id: of a page whose size is a parameter PostgreSQL expects a tenth of all posts.
    """
    post = _with(viewer, users.authors(), parts).where(models.Post.id == found.c.id)
    return post.correlate(found).offset(0).lateral("post")


def _accessible(viewer: Viewer, wanted: ColumnElement[bool], parts: frozenset[str]) -> Select[models.Post]:
    author = users.authors()
    return _with(viewer, author, parts).where(wanted, post_accessible_to(viewer, author=author.c))


def _with(viewer: Viewer, author: FromClause, parts: frozenset[str]) -> Select[models.Post]:
    """One look into one index for each post, and for whatever shares its fate: its author, tags and numbers."""
    post, use, stored = models.Post, models.PostTag, models.PostStats
    tag_ids = func.array(select(use.tag_id).where(use.post_id == post.id).correlate_except(use).scalar_subquery())
    columns: dict[str, list[ColumnElement[Any]]] = {
        BODY: [COLUMNS.body],
        REST: [column for column in COLUMNS if column.key not in {BODY, *SHORT, *UNSEEN}],
        TAGS: [tag_ids.label("tag_ids")],
        COUNTS: counts_of_post(),
        MOMENTS: moments_of_post(),
        STATE: viewer_states.of_post(viewer, COLUMNS.id, STATES),
    }
    shown = [column for part in PARTS if part in parts for column in columns[part]]
    joined = post.__table__.join(author, author.c.id == post.author_id)
    if parts & {COUNTS, MOMENTS}:
        joined = joined.outerjoin(stored, stored.post_id == post.id)
    posts = select(*(COLUMNS[name] for name in SHORT), *users.card_of(author), *shown).select_from(joined)
    return posts.execution_options(**WITH_AUTHOR)


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
