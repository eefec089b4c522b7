"""What the viewer has written and nobody else can see yet."""

import strawberry

from feed_service.loaders import posts
from feed_service.schema.connections import Connection, list_of_viewer
from feed_service.schema.lazy import LazyPost


@strawberry.type
class WrittenByViewer:
    """Fields of `Viewer`."""

    drafts = list_of_viewer(
        Connection[LazyPost],
        "The viewer's drafts, touched last first.",
        posts.DRAFTS,
        posts.drafts_by_author_id,
        posts.by_id,
    )
    scheduled = list_of_viewer(
        Connection[LazyPost],
        "The viewer's scheduled posts, next first.",
        posts.SCHEDULED,
        posts.scheduled_by_author_id,
        posts.by_id,
    )
