"""What stands between the viewer, who is signed in, and posts or users."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.reads import Class
from feed_service.queries import viewer_states
from feed_service.queries.prepared import for_ids
from feed_service.queries.viewer_states import OF_POSTS, OF_USERS
from feed_service.rows import all_have


async def by_post_id(reader: Reader, post_ids: list[int], wanted: frozenset[str] = OF_POSTS) -> list[Any]:
    """Rows of `viewer_states.of_posts`, one for every post."""
    rows = await reader.rows(*for_ids(viewer_states.of_posts, post_ids, reader.viewer, wanted))
    return one_per_key(post_ids, rows, key=attrgetter("post_id"))


def are_beside(reader: Reader, posts: Sequence[Any]) -> bool:
    """Whether the posts came with what is asked of `by_post_id`, which is then noted as read."""
    if not all_have(posts, "has_liked"):
        return False
    reader.reads.note(Class.OWN)
    return True


async def by_user_id(reader: Reader, user_ids: list[int], wanted: frozenset[str] = OF_USERS) -> list[Any]:
    """Rows of `viewer_states.of_users`, one for every user."""
    rows = await reader.rows(*for_ids(viewer_states.of_users, user_ids, reader.viewer, wanted))
    return one_per_key(user_ids, rows, key=attrgetter("user_id"))
