"""What the viewer has saved, newest first, and on which shelves. Nobody else's bookmarks are ever read."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import Ids, is_any, per_parent
from feed_service.queries.visibility import id_of, post_listed_for
from feed_service.viewer import Viewer

SAVED = Sort((models.Bookmark.saved_at, models.Bookmark.post_id))
SAVED_IN = Sort((models.CollectedBookmark.saved_at, models.CollectedBookmark.post_id))


def saved_by(viewer: Viewer, user_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(user id, post id, saved at, post id) of listed posts; of the viewer only, whoever is asked for."""
    bookmark = models.Bookmark

    def page(user_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        saved = select(bookmark.post_id.label("item_id"), *SAVED.columns)
        listed = saved.join(models.Post, models.Post.id == bookmark.post_id).where(post_listed_for(viewer))
        return SAVED.slice(listed.where(bookmark.user_id == user_id, bookmark.user_id == me(viewer)), part)

    return per_parent(user_ids, page)


def saved_in(viewer: Viewer, collection_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(collection id, post id, saved at, post id) of listed posts; of the viewer's own collections only."""
    collected = models.CollectedBookmark

    def page(collection_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        saved = select(collected.post_id.label("item_id"), *SAVED_IN.columns)
        listed = saved.join(models.Post, models.Post.id == collected.post_id).where(post_listed_for(viewer))
        return SAVED_IN.slice(
            listed.where(collected.collection_id == collection_id, collected.user_id == me(viewer)), part
        )

    return per_parent(collection_ids, page)


def collections_of(viewer: Viewer) -> Select[models.BookmarkCollection]:
    """All of the viewer's, by name."""
    collection = models.BookmarkCollection
    return select(collection).where(collection.user_id == me(viewer)).order_by(func.lower(collection.name))


def collections_by_ids(viewer: Viewer, collection_ids: Ids) -> Select[models.BookmarkCollection]:
    """Those of them that are the viewer's."""
    collection = models.BookmarkCollection
    return select(collection).where(is_any(collection.id, collection_ids), collection.user_id == me(viewer))


def collections_holding(viewer: Viewer, post_ids: Ids) -> Select[*tuple[Any, ...]]:
    """(post id, collection id) for each of the viewer's collections that a post stands in, by name."""
    collection, collected = models.BookmarkCollection, models.CollectedBookmark
    return (
        select(collected.post_id, collected.collection_id)
        .join(collection, collection.id == collected.collection_id)
        .where(collected.user_id == me(viewer), is_any(collected.post_id, post_ids))
        .order_by(func.lower(collection.name))
    )


def me(viewer: Viewer) -> ColumnElement[int]:
    return id_of(viewer)
