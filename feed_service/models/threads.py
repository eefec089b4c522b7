"""Where a comment stands in its thread."""

from datetime import UTC, datetime, timedelta

from feed_service.models.comments import MAX_DEPTH, PATH_STEP, child_path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DEEPEST = MAX_DEPTH * PATH_STEP
"""Bytes of the longest path; who answers a comment there becomes its sibling."""


def placed(answered: bytes | None, created_at_us: int, comment_id: int) -> tuple[int | None, int | None, bytes]:
    """(parent_id, reply_to_id, path) of a comment that answers the one with the path `answered`, None for the post."""
    if answered is None:
        return None, None, child_path(b"", created_at_us, comment_id)
    stem = answered if len(answered) < DEEPEST else answered[:-PATH_STEP]
    return last_id(stem), last_id(answered), child_path(stem, created_at_us, comment_id)


def last_id(path: bytes) -> int:
    return int.from_bytes(path[-PATH_STEP // 2 :], "big")


def ancestors(path: bytes) -> list[int]:
    """The ids of the comments above, from the root to the parent."""
    return [last_id(path[:end]) for end in range(PATH_STEP, len(path), PATH_STEP)]


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly: `timestamp()` is a float and would round."""
    return (moment - EPOCH) // timedelta(microseconds=1)
