"""Keys to rows, many keys at once. Written `loaders.posts.by_id`."""

from feed_service.loaders import comments, feeds, follows, likes, posts, search, stats, tags, users, viewer_states

__all__ = [
    "comments",
    "feeds",
    "follows",
    "likes",
    "posts",
    "search",
    "stats",
    "tags",
    "users",
    "viewer_states",
]
