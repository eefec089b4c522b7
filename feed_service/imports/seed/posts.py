"""Seeded posts in the order of their time, with their tags and views."""

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from feed_service.imports.copy import INFINITY
from feed_service.imports.seed.people import CATEGORIES
from feed_service.imports.seed.plan import PROLIFIC, PROLIFIC_SHARE, SPAN, SeedPlan
from feed_service.imports.seed.skew import distinct, scattered, zipf
from feed_service.imports.seed.words import Writer

Rows = Iterator[tuple[Any, ...]]

POST = (
    "id",
    "author_id",
    "category_id",
    "slug",
    "title",
    "body",
    "language",
    "status",
    "created_at",
    "updated_at",
    "published_at",
    "deleted_at",
)
LANGUAGES = ("en", "en", "en", "de", "fr", "es", "ja", None)
SAME_TIME = 40
"""Every 40th post carries the time of the one before it."""

MOST_VIEWS = 1_000_000


class Posts:
    """Post n (from 1) is the n-th oldest. Half of what others need of it is kept: 12 bytes a post."""

    def __init__(self, plan: SeedPlan) -> None:
        self.plan = plan
        self.now_s = int(plan.until.timestamp())

    @cached_property
    def times_s(self) -> "array[int]":
        """Seconds since 1970, ascending; a place is the post's id less one. Two thirds lie in the last half."""
        uniform, span = self.plan.random("post times").random, SPAN.total_seconds()
        times = array("q", sorted(self.now_s - int(span * uniform() ** 1.5) for _ in range(self.plan.posts)))
        for place in range(SAME_TIME, len(times), SAME_TIME):
            times[place] = times[place - 1]
        return times

    @cached_property
    def authors(self) -> "array[int]":
        random, size = self.plan.random("authors"), self.plan.users
        anyone = scattered(zipf(random, size), size)
        # Every fifth post is the prolific author's, whom the draw for the others must not meet.
        others = (other_author(anyone() + 1) for _ in range(self.plan.posts))
        return array("q", (PROLIFIC if n % PROLIFIC_SHARE == 0 else author for n, author in enumerate(others)))

    @cached_property
    def live(self) -> "array[int]":
        """Ids of what can be liked and commented on, oldest first."""
        return array("q", (post_id for post_id in range(1, self.plan.posts + 1) if state(post_id) == "live"))

    def rows(self) -> Rows:
        writer = Writer(self.plan.random("posts"))
        uniform = writer.random.random
        for post_id, (author, time_s) in enumerate(zip(self.authors, self.times_s, strict=True), start=1):
            created, kind, title = datetime.fromtimestamp(time_s, UTC), state(post_id), writer.title()
            slug = f"{title.replace(':', '').replace(' ', '-').lower()}-{post_id}"
            category = None if uniform() < 0.2 else int(uniform() * len(CATEGORIES)) + 1
            language = LANGUAGES[int(uniform() * len(LANGUAGES))]
            status = kind if kind in {"draft", "scheduled"} else "published"
            deleted = self.plan.until if kind == "deleted" else None
            text = (category, slug, title, writer.body(), language, status)
            yield post_id, author, *text, created, created, self.published_at(post_id), deleted

    def published_at(self, post_id: int) -> datetime:
        kind = state(post_id)
        if kind == "draft":
            return INFINITY
        if kind == "scheduled":
            return self.plan.until + timedelta(hours=post_id % 720 + 24)
        return datetime.fromtimestamp(self.times_s[post_id - 1], UTC)

    def tags(self) -> Rows:
        """(post_id, tag_id, author_id, published_at, is_deleted): none to four tags a post."""
        random = self.plan.random("post tags")
        draw = zipf(random, self.plan.tags, shift=5)
        for post_id, author in enumerate(self.authors, start=1):
            published, is_deleted = self.published_at(post_id), state(post_id) == "deleted"
            for tag in distinct(int(random.random() * 5), self.plan.tags, draw):
                yield post_id, tag + 1, author, published, is_deleted

    def views(self) -> Rows:
        random = self.plan.random("views")
        for post_id in range(1, self.plan.posts + 1):
            yield post_id, min(int(20 * random.paretovariate(1.1)), MOST_VIEWS)


def state(post_id: int) -> str:
    """One in 100 is a draft, one in 500 scheduled, one in 100 deleted."""
    if post_id % 100 == 7:
        return "draft"
    if post_id % 500 == 13:
        return "scheduled"
    return "deleted" if post_id % 100 == 42 else "live"


def other_author(author: int) -> int:
    return author if author != PROLIFIC else PROLIFIC + 1
