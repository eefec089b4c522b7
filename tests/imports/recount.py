# ruff: noqa: S608 - every statement is put together from the constants of this file.
"""Every derived number counted anew, one row at a time, in the plainest SQL: slow, and nothing like `queries.stats`."""

import math
from typing import Any

from tests.imports.running import fetch

PUBLISHED = "p.status = 'published' AND p.deleted_at IS NULL"
COUNTS = "c.deleted_at IS NULL"

POSTS = f"""
    SELECT id,
      (SELECT count(*) FROM post_likes l WHERE l.post_id = posts.id),
      (SELECT count(*) FROM comments c WHERE c.post_id = posts.id AND {COUNTS}),
      (SELECT count(*) FROM bookmarks b WHERE b.post_id = posts.id),
      (SELECT count(DISTINCT c.author_id) FROM comments c WHERE c.post_id = posts.id AND {COUNTS}),
      (SELECT max(c.created_at) FROM comments c WHERE c.post_id = posts.id AND {COUNTS})
    FROM posts ORDER BY id
"""
STORED_POSTS = """
    SELECT post_id, like_count, comment_count, bookmark_count, commenter_count, last_comment_at
    FROM post_stats ORDER BY post_id
"""

USERS = f"""
    SELECT id,
      (SELECT count(*) FROM posts p WHERE p.author_id = users.id AND {PUBLISHED}),
      (SELECT count(*) FROM user_follows f WHERE f.followee_id = users.id),
      (SELECT count(*) FROM user_follows f WHERE f.follower_id = users.id),
      (SELECT count(*) FROM post_likes l JOIN posts p ON p.id = l.post_id
        WHERE p.author_id = users.id AND {PUBLISHED}),
      (SELECT coalesce(sum(s.view_count), 0)::bigint FROM post_stats s JOIN posts p ON p.id = s.post_id
        WHERE p.author_id = users.id AND {PUBLISHED}),
      (SELECT count(*) FROM comments c WHERE c.author_id = users.id AND {COUNTS}),
      (SELECT max(p.published_at) FROM posts p WHERE p.author_id = users.id AND {PUBLISHED})
    FROM users ORDER BY id
"""
STORED_USERS = """
    SELECT user_id, post_count, follower_count, following_count, received_like_count, view_count, comment_count,
      last_published_at
    FROM user_stats ORDER BY user_id
"""

COMMENTS = f"""
    SELECT id,
      (SELECT count(*) FROM comment_likes l WHERE l.comment_id = comments.id),
      (SELECT count(*) FROM comments c WHERE c.parent_id = comments.id AND {COUNTS}),
      (WITH RECURSIVE below AS (
          SELECT * FROM comments first WHERE first.parent_id = comments.id
          UNION ALL SELECT next.* FROM comments next JOIN below ON next.parent_id = below.id)
       SELECT count(*) FROM below c WHERE {COUNTS})
    FROM comments ORDER BY id
"""
STORED_COMMENTS = "SELECT comment_id, like_count, reply_count, descendant_count FROM comment_stats ORDER BY comment_id"

TAGS = f"""
    SELECT id,
      (SELECT count(*) FROM post_tags t JOIN posts p ON p.id = t.post_id WHERE t.tag_id = tags.id AND {PUBLISHED}),
      (SELECT count(*) FROM tag_follows f WHERE f.tag_id = tags.id)
    FROM tags ORDER BY id
"""
STORED_TAGS = "SELECT tag_id, post_count, follower_count FROM tag_stats ORDER BY tag_id"

COMMENTERS = f"SELECT post_id, author_id, count(*) FROM comments c WHERE {COUNTS} GROUP BY 1, 2 ORDER BY 1, 2"
STORED_COMMENTERS = "SELECT post_id, user_id, n FROM post_commenter ORDER BY 1, 2"

POST_TAGS = """
    SELECT post_id, tag_id, p.author_id, p.published_at, p.deleted_at IS NOT NULL
    FROM post_tags JOIN posts p ON p.id = post_id ORDER BY 1, 2
"""
STORED_POST_TAGS = "SELECT post_id, tag_id, author_id, published_at, is_deleted FROM post_tags ORDER BY 1, 2"

COMMENT_RANKS = """
    SELECT id, post_id, parent_id, like_count FROM comments JOIN comment_stats ON comment_id = id ORDER BY 1
"""
STORED_COMMENT_RANKS = "SELECT comment_id, post_id, parent_id, like_count FROM comment_rank ORDER BY 1"

SEARCHED = "SELECT id, published_at, author_id FROM posts WHERE status <> 'draft' AND deleted_at IS NULL ORDER BY 1"
STORED_SEARCHED = "SELECT post_id, published_at, author_id FROM post_search ORDER BY 1"

LAWS = {
    "post_stats": (POSTS, STORED_POSTS),
    "user_stats": (USERS, STORED_USERS),
    "comment_stats": (COMMENTS, STORED_COMMENTS),
    "tag_stats": (TAGS, STORED_TAGS),
    "post_commenter": (COMMENTERS, STORED_COMMENTERS),
    "post_tags": (POST_TAGS, STORED_POST_TAGS),
    "comment_rank": (COMMENT_RANKS, STORED_COMMENT_RANKS),
    "post_search": (SEARCHED, STORED_SEARCHED),
}

RANKS = """
    SELECT p.id, p.author_id, like_count, comment_count, commenter_count, bookmark_count,
      extract(epoch FROM p.published_at)::float8, greatest(p.published_at, last_comment_at)
    FROM posts p JOIN post_stats ON post_id = p.id
    WHERE p.status <> 'draft' AND p.deleted_at IS NULL ORDER BY p.id
"""
STORED_RANKS = """
    SELECT post_id, author_id, like_count, comment_count, hot_key, last_activity_at FROM post_rank ORDER BY post_id
"""


async def assert_every_number_is_right(url: str) -> None:
    for table, (counted, stored) in LAWS.items():
        assert await fetch(url, stored) == await fetch(url, counted), table
    ranks, stored_ranks = await fetch(url, RANKS), await fetch(url, STORED_RANKS)
    assert len(ranks) == len(stored_ranks)
    for rank, stored_rank in zip(ranks, stored_ranks, strict=True):
        assert_rank(rank, stored_rank)


def assert_rank(rank: tuple[Any, ...], stored: tuple[Any, ...]) -> None:
    post, author, likes, comments, commenters, bookmarks, published_s, activity = rank
    hot = math.log2(1 + likes + 2 * commenters + 3 * bookmarks) + published_s / 21_600
    assert stored[:4] == (post, author, likes, comments)
    assert math.isclose(stored[4], hot, rel_tol=1e-12)
    assert stored[5] == activity
