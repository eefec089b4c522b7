"""What must be read of posts for what an operation asks of them (`queries.posts.PARTS`)."""

from collections.abc import Callable

from feed_service.queries.posts import BODY, COUNTS, MOMENTS, STATE, TAGS
from feed_service.schema.context import Info
from feed_service.schema.selection import Selected, told_by

NEEDED = {"body": BODY, "bodyHtml": BODY, "excerpt": BODY, "tags": TAGS, "likeCount": COUNTS, "stats": COUNTS}
"""By fields of a Post."""

TIMED_STATS = {"hotKey", "lastActivityAt", "asOf"}
STATE_BESIDE = {"__typename", "hasLiked", "hasBookmarked"}
"""Fields of `PostViewerState` that come with a post; for any other all are read apart."""


def parts_of(selected: Selected) -> frozenset[str]:
    """`selected` is of a Post."""
    state = selected.under("viewerState").names
    parts = {part for name, part in NEEDED.items() if name in selected.names}
    if not TIMED_STATS.isdisjoint(selected.under("stats").names):
        parts.add(MOMENTS)
    if "visibleCommentCount" in state:
        parts.add(COUNTS)
    if state and state <= STATE_BESIDE:
        parts.add(STATE)
    return frozenset(parts)


def of_page(selected: Selected) -> frozenset[str]:
    """`selected` is of a connection of posts."""
    return parts_of(selected.under("edges", "node") | selected.under("nodes"))


def post_parts(info: Info, told: Callable[[Selected], frozenset[str]] = parts_of) -> frozenset[str]:
    """For the posts of this field; nothing stands between them and nobody."""
    parts = told_by(info, told)
    return parts - {STATE} if info.context.viewer.is_anonymous else parts
