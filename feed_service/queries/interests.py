"""What decides which posts the feeds of a viewer hold, in one statement."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, cast, func, select

from feed_service import models
from feed_service.queries import visibility
from feed_service.queries.changes import snapshot_text
from feed_service.queries.prepared import SOMEBODY


def interest() -> Select[*tuple[Any, ...]]:
    """(snapshot, author_ids, tag_ids, blocked_ids, muted_ids) of `:viewer_id`.

    Followed authors and tags, blocked users in both directions, and muted ones.
    """
    me = visibility.id_of(SOMEBODY)
    follow, tag_follow = models.UserFollow, models.TagFollow
    return select(
        snapshot_text().label("snapshot"),
        array(select(follow.followee_id.label("id")).where(follow.follower_id == me)).label("author_ids"),
        array(select(tag_follow.tag_id.label("id")).where(tag_follow.user_id == me)).label("tag_ids"),
        array(visibility.blocked_between(SOMEBODY)).label("blocked_ids"),
        array(visibility.muted_by(SOMEBODY)).label("muted_ids"),
    )


def array(ids: Select[int]) -> ColumnElement[Any]:
    return cast(func.array(ids.scalar_subquery()), ARRAY(BigInteger))
