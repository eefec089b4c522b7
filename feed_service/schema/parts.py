"""What must be read of posts and comments for what an operation asks of them."""

from collections.abc import Callable

from feed_service.queries.posts import BODY, COUNTS, MOMENTS, REST, STATE, TAGS
from feed_service.schema.context import Info
from feed_service.schema.selection import Selected, told_by

SHORT = {
    "Post": "__typename id slug title status createdAt publishedAt scheduledFor author comments commentPreview "
    "commentTree likers viewerHasLiked viewerState edits",
    "Comment": "__typename id body bodyHtml createdAt author isTombstone post likeCount viewerHasLiked likers replies "
    "replyCount descendantCount",
}
"""Fields that need no more of a row than the columns which are always read."""

PARTS = {BODY: "body bodyHtml excerpt", TAGS: "tags", COUNTS: "stats likeCount"}
"""Fields of a Post that need one of `queries.posts.PARTS`. All others need the rest."""

TIMED_STATS = {"hotKey", "lastActivityAt", "asOf"}
STATE_BESIDE = {"__typename", "hasLiked", "hasBookmarked"}
"""Fields of `PostViewerState` that come with a post; for any other all are read apart."""

OF_COMMENT, OF_POST = (frozenset(SHORT[name].split()) for name in ("Comment", "Post"))
NEEDED = {name: part for part, names in PARTS.items() for name in names.split()}


def parts_of(selected: Selected) -> frozenset[str]:
    """`selected` is of a Post."""
    names, state = selected.names, selected.under("viewerState").names
    parts = {NEEDED.get(name, REST) for name in names - OF_POST}
    if not TIMED_STATS.isdisjoint(selected.under("stats").names):
        parts.add(MOMENTS)
    if state:
        parts |= {STATE} if state <= STATE_BESIDE else {REST, COUNTS}
    return frozenset(parts)


def of_page(selected: Selected) -> frozenset[str]:
    """`selected` is of a connection of posts."""
    return parts_of(shown_in(selected))


def shown_in(connection: Selected) -> Selected:
    return connection.under("edges", "node") | connection.under("nodes")


def post_parts(info: Info, told: Callable[[Selected], frozenset[str]] = parts_of) -> frozenset[str]:
    """For the posts of this field; nothing stands between them and nobody."""
    parts = told_by(info, told)
    return parts - {STATE} if info.context.viewer.is_anonymous else parts


def is_whole(selected: Selected) -> bool:
    """Whether more than the short columns must be read; `selected` is of a Comment."""
    return not selected.names <= OF_COMMENT


def is_whole_page(selected: Selected) -> bool:
    """The same of a connection of comments."""
    return is_whole(shown_in(selected))
