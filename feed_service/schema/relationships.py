"""Whom the viewer keeps away."""

import strawberry

from feed_service.loaders import relationships, users
from feed_service.schema.connections import Connection, list_of_viewer
from feed_service.schema.lazy import LazyUser


@strawberry.type
class KeptAwayByViewer:
    """Fields of `Viewer`."""

    blocked_users = list_of_viewer(
        Connection[LazyUser],
        "Whom the viewer blocks, blocked last first.",
        relationships.BLOCKED,
        relationships.blocked_by_user_id,
        users.by_id,
    )
    muted_users = list_of_viewer(
        Connection[LazyUser],
        "Whom the viewer mutes, muted last first.",
        relationships.MUTED,
        relationships.muted_by_user_id,
        users.by_id,
    )
