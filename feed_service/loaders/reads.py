"""What an answer was made of: the loaders note it while they load, so that a later change can be held against it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from feed_service.queries.feeds import RANKED_KINDS
from feed_service.vocabulary import FeedKind, PostOrder

MOST_IDS = 500
"""Of one class. An answer made of more is not versioned: to remember it costs more than to make it again."""


class Class(StrEnum):
    """What kind of change matters. The ids are those of posts unless another thing is named."""

    POSTS = "posts"
    AUTHORS = "authors"  # Posts of these users, whichever they are.
    AUTHOR_LIKES = "author_likes"  # Likes of posts of these users, where they decide the order.
    TAGGED = "tagged"  # Posts with these tags.
    USERS = "users"
    THREADS = "threads"  # Comments under these posts.
    COMMENTS = "comments"  # Comments that were not found by their ids.
    POST_NUMBERS = "post_numbers"
    USER_NUMBERS = "user_numbers"
    COMMENT_NUMBERS = "comment_numbers"
    TAG_NUMBERS = "tag_numbers"
    FOLLOWERS = "followers"  # Those who follow these users.
    FOLLOWING = "following"  # Those whom these users follow.
    FOLLOWED_TAGS = "followed_tags"  # Tags that these users follow.
    POST_LIKERS = "post_likers"
    COMMENT_LIKERS = "comment_likers"  # Of these comments.
    OWN = "own"  # Whatever the viewer does or is tied to; no ids.
    RETURNS = "returns"  # Posts that are brought back, in lists that leave out what is hidden; no ids.
    CLOCK = "clock"  # Moves by itself: good for 15 seconds; no ids.


@dataclass(slots=True)
class Reads:
    """Of one request. `is_fresh`: the reader passes over whatever may be older than the request."""

    ids: dict[Class, set[int]] = field(default_factory=dict)
    feeds: set[FeedKind] = field(default_factory=set)
    rankings: dict[tuple[FeedKind, PostOrder], int] = field(default_factory=dict)
    """Generations that were current, by kind and order."""
    is_noted: bool = False
    """Something was loaded, be it what never changes."""
    is_versioned: bool = True
    is_fresh: bool = False
    began_s: float = field(default_factory=time.monotonic, compare=False)
    """By the clock of this process."""

    def note(self, of: Class, ids: Sequence[int] | set[int] = ()) -> None:
        noted = self.ids.setdefault(of, set())
        noted.update(ids)
        if len(noted) > MOST_IDS:
            self.is_versioned = False

    def unversioned(self) -> None:
        """Nothing tells of changes of what was read."""
        self.is_versioned = False

    def polled(self, kind: FeedKind, *, has_window: bool) -> None:
        """What is new in a feed was read, and not by a loader. A window moves by itself."""
        self.is_noted = True
        self.feeds.add(kind)
        if has_window:
            self.unversioned()

    def thread_polled(self, post_id: int) -> None:
        self.is_noted = True
        self.note(Class.THREADS, [post_id])
        self.note(Class.POSTS, [post_id])

    def ranked_by(self, kind: FeedKind, order: PostOrder, generation_id: int) -> None:
        """That generation was current."""
        self.rankings.setdefault((kind, order), generation_id)

    def loaded(self, name: str, keys: Sequence[Any], answers: Sequence[Any], arguments: Sequence[Any]) -> None:
        """The batch function `name` (`posts.by_id`) has answered."""
        self.is_noted = True
        if self.is_versioned:
            NOTES.get(name, unversioned)(self, keys, answers, arguments)


Note = Callable[[Reads, Sequence[Any], Sequence[Any], Sequence[Any]], None]
"""(reads, keys, answers, further arguments of the batch function)."""


@lru_cache(500)
def name_of(batch: Any) -> str:  # noqa: ANN401 - any function.
    return f"{batch.__module__.rpartition('.')[2]}.{batch.__name__}"


def by_key(*classes: Class) -> Note:
    def note(reads: Reads, keys: Sequence[Any], _answers: Sequence[Any], _arguments: Sequence[Any]) -> None:
        for of in classes:
            reads.note(of, keys)

    return note


def by_row(of: Class | None) -> Note:
    """Found by a name: the ids are those of the rows. A name without a row can be taken by anything later."""

    def note(reads: Reads, _keys: Sequence[Any], answers: Sequence[Any], _arguments: Sequence[Any]) -> None:
        if any(row is None for row in answers):
            reads.unversioned()
        elif of is not None:
            reads.note(of, [row.id for row in answers])

    return note


def comments(reads: Reads, keys: Sequence[Any], answers: Sequence[Any], _arguments: Sequence[Any]) -> None:
    """Whatever happens in its thread may touch a comment: whether it is a tombstone depends on its replies."""
    reads.note(Class.THREADS, [row.post_id for row in answers if row is not None])
    reads.note(Class.COMMENTS, [key for key, row in zip(keys, answers, strict=True) if row is None])


def of_author(reads: Reads, keys: Sequence[Any], _answers: Sequence[Any], arguments: Sequence[Any]) -> None:
    reads.note(Class.AUTHORS, keys)
    if PostOrder.TOP in arguments:
        reads.note(Class.AUTHOR_LIKES, keys)


def with_tag(reads: Reads, keys: Sequence[Any], _answers: Sequence[Any], arguments: Sequence[Any]) -> None:
    reads.note(Class.TAGGED, keys)
    if PostOrder.TOP in arguments:
        reads.unversioned()


def feed_pages(reads: Reads, keys: Sequence[Any], answers: Sequence[Any], _arguments: Sequence[Any]) -> None:
    """Keys are `feeds.FeedPart`, answers `feeds.FeedPage`."""
    for wanted, page in zip(keys, answers, strict=True):
        feed, part = wanted.feed, wanted.part
        if wanted.posts is not None:
            reads.note(Class.POSTS, [item.id for item in page.items])
        if page.snapshot is not None:
            reads.note(Class.RETURNS)
            if not (part.after or part.before) or page.snapshot.is_restarted:
                reads.ranked_by(feed.kind, feed.order, page.snapshot.generation.id)
        elif feed.window is not None or feed.is_ranked_by_value or feed.kind in RANKED_KINDS:
            reads.unversioned()
        else:
            reads.feeds.add(feed.kind)


def unversioned(reads: Reads, _keys: Sequence[Any], _answers: Sequence[Any], _arguments: Sequence[Any]) -> None:
    reads.unversioned()


NOTHING = by_key()
"""What never changes, or is known by what it hangs on: replies by their thread, earlier versions by their comment."""

OWN = by_key(Class.OWN)


def clock(reads: Reads, _keys: Sequence[Any], _answers: Sequence[Any], _arguments: Sequence[Any]) -> None:
    reads.note(Class.CLOCK)


def own_bookmarks(reads: Reads, _keys: Sequence[Any], _answers: Sequence[Any], _arguments: Sequence[Any]) -> None:
    reads.note(Class.OWN)
    reads.note(Class.RETURNS)


NOTES: Mapping[str, Note] = {
    "accounts.email_by_user_id": unversioned,
    "accounts.sessions_by_user_id": unversioned,
    "analytics.by_author_id": unversioned,
    "analytics.by_category_id": unversioned,
    "analytics.by_tag_id": unversioned,
    "analytics.categories_by_author_id": unversioned,
    "analytics.days_by_author_id": unversioned,
    "analytics.posts_by_author_id": unversioned,
    "analytics.tags_by_author_id": unversioned,
    "bookmarks.collection_by_id": OWN,
    "bookmarks.collection_ids_by_post_id": OWN,
    "bookmarks.collections_by_user_id": OWN,
    "bookmarks.saved_by_collection_id": own_bookmarks,
    "bookmarks.saved_by_user_id": own_bookmarks,
    "comments.accessible_by_id": comments,
    "comments.preview_by_post_id": by_key(Class.THREADS),
    "comments.replies_by_comment_id": NOTHING,
    "comments.roots_by_post_id": by_key(Class.THREADS),
    "comments.shown_by_id": comments,
    "comments.tree_by_post_id": by_key(Class.THREADS),
    "edits.by_comment_id": NOTHING,
    "edits.by_id": NOTHING,
    "edits.by_post_id": by_key(Class.POSTS),
    "feeds.pages": feed_pages,
    "feeds.reasons_by_post_id": OWN,
    "follows.followers_by_user_id": by_key(Class.FOLLOWERS),
    "follows.following_by_user_id": by_key(Class.FOLLOWING),
    "likes.has_liked_by_comment_id": OWN,
    "likes.likers_by_comment_id": by_key(Class.COMMENT_LIKERS),
    "likes.likers_by_post_id": by_key(Class.POST_LIKERS),
    "posts.by_author_id": of_author,
    "posts.by_id": by_key(Class.POSTS),
    "posts.by_slug": by_row(Class.POSTS),
    "posts.by_tag_id": with_tag,
    "posts.drafts_by_author_id": by_key(Class.AUTHORS),
    "posts.scheduled_by_author_id": by_key(Class.AUTHORS),
    "relationships.blocked_by_user_id": OWN,
    "relationships.muted_by_user_id": OWN,
    "rendered.excerpt_by_text": NOTHING,
    "rendered.html_by_text": NOTHING,
    "search.pages": unversioned,
    "stats.by_comment_id": by_key(Class.COMMENT_NUMBERS),
    "stats.by_post_id": by_key(Class.POST_NUMBERS),
    "stats.by_tag_id": by_key(Class.TAG_NUMBERS),
    "stats.by_user_id": by_key(Class.USER_NUMBERS),
    "tags.all_categories": NOTHING,
    "tags.by_id": by_row(None),
    "tags.by_slug": by_row(None),
    "tags.category_by_id": by_row(None),
    "tags.category_by_slug": by_row(None),
    "tags.followed_by_user_id": by_key(Class.FOLLOWED_TAGS),
    "tags.is_followed_by_id": OWN,
    "tags.related_ids_by_id": clock,
    "tags.trend_score_by_id": clock,
    "tags.trending_ids": clock,
    "users.by_id": by_key(Class.USERS),
    "users.by_username": by_row(Class.USERS),
    "users.whoever_by_id": by_key(Class.USERS),
    "viewer_states.by_post_id": OWN,
    "viewer_states.by_user_id": OWN,
    "views.is_listed_by_post_id": unversioned,
}
"""What each batch function notes. One that is missing here makes the answer unversioned, which is slow and right."""
