"""Keys to rows, many keys at once. Written `loaders.posts.by_id`."""

from feed_service.loaders import (
    accounts,
    bookmarks,
    comments,
    edits,
    feeds,
    follows,
    likes,
    posts,
    relationships,
    rendered,
    search,
    stats,
    tags,
    users,
    viewer_states,
    views,
)

__all__ = [
    "accounts",
    "bookmarks",
    "comments",
    "edits",
    "feeds",
    "follows",
    "likes",
    "posts",
    "relationships",
    "rendered",
    "search",
    "stats",
    "tags",
    "users",
    "viewer_states",
    "views",
]
