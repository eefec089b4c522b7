"""Which posts, and the lists of posts that hang on an author or a tag."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import selectinload

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import is_any, per_parent
from feed_service.queries.visibility import post_accessible_to, post_is_live, post_listed_once_due_for, user_listed_for
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


def by_ids(viewer: Viewer, post_ids: Sequence[int]) -> Select[models.Post]:
    """Posts with their tags, which share their post's fate."""
    return _with_tags_loaded(viewer, is_any(models.Post.id, post_ids))


def by_slugs(viewer: Viewer, slugs: Sequence[str]) -> Select[models.Post]:
    return _with_tags_loaded(viewer, is_any(models.Post.slug, slugs))


def _with_tags_loaded(viewer: Viewer, wanted: ColumnElement[bool]) -> Select[models.Post]:
    return select(models.Post).where(wanted, post_accessible_to(viewer)).options(selectinload(models.Post.tags))


def of_authors(viewer: Viewer, author_ids: Sequence[int], order: PostOrder, part: Slice) -> Select[*tuple[Any, ...]]:
    """(author id, post id, sort columns): the page of each author's listed posts."""

    def page(author_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        sort = AUTHOR_SORTS[order]
        posts = select(models.Post.id.label("item_id"), *sort.columns).where(post_listed_once_due_for(viewer))
        if order is PostOrder.TOP:
            posts = posts.join(models.PostRank, models.PostRank.post_id == models.Post.id).where(post_is_live())
            return sort.slice(posts.where(models.PostRank.author_id == author_id), part)
        return sort.slice(posts.where(models.Post.author_id == author_id), part)

    return per_parent(author_ids, page)


def with_tags(viewer: Viewer, tag_ids: Sequence[int], order: PostOrder, part: Slice) -> Select[*tuple[Any, ...]]:
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
