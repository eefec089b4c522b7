"""Who follows whom and what, newest first."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import Ids, is_any, per_parent
from feed_service.queries.visibility import id_of, user_listed_for
from feed_service.viewer import Viewer

FOLLOWERS = Sort((models.UserFollow.created_at, models.UserFollow.follower_id))
FOLLOWING = Sort((models.UserFollow.created_at, models.UserFollow.followee_id))
FOLLOWED_TAGS = Sort((models.TagFollow.created_at, models.TagFollow.tag_id))


def followers_of(viewer: Viewer, user_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(user id, follower id, followed at, follower id)."""
    follow = models.UserFollow

    def page(user_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        followers = select(follow.follower_id.label("item_id"), *FOLLOWERS.columns)
        listed = user_listed_for(viewer, follow.follower_id)
        return FOLLOWERS.slice(followers.where(follow.followee_id == user_id, listed), part)

    return per_parent(user_ids, page)


def followed_by(viewer: Viewer, user_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(user id, followee id, followed at, followee id)."""
    follow = models.UserFollow

    def page(user_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        followed = select(follow.followee_id.label("item_id"), *FOLLOWING.columns)
        listed = user_listed_for(viewer, follow.followee_id)
        return FOLLOWING.slice(followed.where(follow.follower_id == user_id, listed), part)

    return per_parent(user_ids, page)


def tags_followed_by(user_ids: Ids, part: Slice) -> Select[*tuple[Any, ...]]:
    """(user id, tag id, followed at, tag id)."""
    follow = models.TagFollow

    def page(user_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        followed = select(follow.tag_id.label("item_id"), *FOLLOWED_TAGS.columns)
        return FOLLOWED_TAGS.slice(followed.where(follow.user_id == user_id), part)

    return per_parent(user_ids, page)


def tags_of_viewer(viewer: Viewer, tag_ids: Ids) -> Select[int]:
    """Which of the tags the viewer follows."""
    follow = models.TagFollow
    return select(follow.tag_id).where(follow.user_id == id_of(viewer), is_any(follow.tag_id, tag_ids))
