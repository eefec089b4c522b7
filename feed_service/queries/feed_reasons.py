"""What ties posts to the viewer who finds them in a feed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, select

from feed_service import models
from feed_service.queries.batches import is_any
from feed_service.queries.visibility import id_of
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind


def authors_followed(viewer: Viewer, post_ids: Sequence[int]) -> Select[int]:
    """Which of the posts are written by somebody whom the viewer follows."""
    follow, post = models.UserFollow, models.Post
    follows = follow.follower_id == id_of(viewer)
    return (
        select(post.id)
        .join(follow, and_(follow.followee_id == post.author_id, follows))
        .where(is_any(post.id, post_ids))
    )


def tags_followed(viewer: Viewer, post_ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """(post id, id of a tag on it that the viewer follows)."""
    follow, use = models.TagFollow, models.PostTag
    follows = follow.user_id == id_of(viewer)
    return (
        select(use.post_id, use.tag_id)
        .join(follow, and_(follow.tag_id == use.tag_id, follows))
        .where(is_any(use.post_id, post_ids))
        .order_by(use.post_id, use.tag_id)
    )


def follows_anything(viewer: Viewer, kind: FeedKind) -> Select[bool]:
    """Whether the viewer follows anybody or anything that this kind of feed is made of."""
    me = id_of(viewer)
    users = select(models.UserFollow.follower_id).where(models.UserFollow.follower_id == me).exists()
    tags = select(models.TagFollow.user_id).where(models.TagFollow.user_id == me).exists()
    if kind is FeedKind.HOME:
        return select(users | tags)
    return select(users if kind is FeedKind.FOLLOWING_USERS else tags)
