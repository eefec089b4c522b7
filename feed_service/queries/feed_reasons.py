"""What ties posts to the viewer who finds them in a feed."""

from typing import Any

from sqlalchemy import Select, false, func, select, true

from feed_service import models
from feed_service.queries.batches import Ids, each
from feed_service.queries.visibility import id_of
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind

ALL = frozenset({"is_author_followed", "tag_ids"})


def of_posts(viewer: Viewer, post_ids: Ids, wanted: frozenset[str] = ALL) -> Select[*tuple[Any, ...]]:
    """(post_id, is_author_followed, tag_ids): what is wanted of whether the viewer follows the author and which tags.

    The tags in the order of their ids. Each answer is a look or two into an index, whatever the viewer follows.
    """
    follow, post = models.UserFollow, models.Post
    post_id = each(post_ids).c.parent_id
    author_id = select(post.author_id).where(post.id == post_id).correlate_except(post).scalar_subquery()
    followed = select(true()).where(follow.follower_id == id_of(viewer), follow.followee_id == author_id)
    use, tag_follow = models.PostTag, models.TagFollow
    is_tag_followed = select(true()).where(tag_follow.user_id == id_of(viewer), tag_follow.tag_id == use.tag_id)
    tags = (
        select(use.tag_id)
        .where(use.post_id == post_id, is_tag_followed.correlate_except(tag_follow).scalar_subquery())
        .order_by(use.tag_id)
        .correlate_except(use)
    )
    found = {
        "is_author_followed": func.coalesce(followed.correlate_except(follow).scalar_subquery(), false()),
        "tag_ids": func.array(tags.scalar_subquery()),
    }
    return select(post_id.label("post_id"), *(found[name].label(name) for name in found if name in wanted))


def follows_anything(viewer: Viewer, kind: FeedKind) -> Select[bool]:
    """Whether the viewer follows anybody or anything that this kind of feed is made of."""
    me = id_of(viewer)
    users = select(models.UserFollow.follower_id).where(models.UserFollow.follower_id == me).exists()
    tags = select(models.TagFollow.user_id).where(models.TagFollow.user_id == me).exists()
    if kind is FeedKind.HOME:
        return select(users | tags)
    return select(users if kind is FeedKind.FOLLOWING_USERS else tags)
