"""Seeded comments in the order of their time, likes and bookmarks."""

from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from random import Random
from typing import Any

from feed_service.imports.seed.plan import SeedPlan
from feed_service.imports.seed.posts import Posts
from feed_service.imports.seed.skew import distinct, recent, scattered, shares, zipf
from feed_service.imports.seed.words import Writer
from feed_service.models.threads import placed

Rows = Iterator[tuple[Any, ...]]

COMMENT = ("id", "post_id", "author_id", "parent_id", "reply_to_id", "path", "body", "created_at", "deleted_at")
POST_LIKE = ("user_id", "post_id", "created_at")
COMMENT_LIKE = ("user_id", "comment_id", "created_at")
ROOTS = 0.4
"""The share of comments that answer the post itself."""

DEEP_THREADS = 1_000
"""Under every 1,000th post each comment answers the one before it, so that threads reach the greatest depth."""

REMEMBERED = 20
"""A comment answers one of the newest 20 under its post, rather the older of them."""

DELETED_COMMENTS = 50
"""One comment in 50 is deleted, with or without replies."""

DELAY_S = 86_400
LIKED_FROM_FEED = 200
SECOND_US = 1_000_000


class Reactions:
    def __init__(self, plan: SeedPlan, posts: Posts) -> None:
        self.plan = plan
        self.posts = posts
        self.comment_times_s = array("q")

    def popular(self, random: Random) -> Callable[[], int]:
        """Places in `posts.live`: half of the draws fall on the newest, half on some of any age."""
        size, uniform = len(self.posts.live), random.random
        newest, any_age = recent(random, size), scattered(zipf(random, size), size)
        return lambda: newest() if uniform() < 0.5 else any_age()

    def comments(self) -> Rows:
        plan, random = self.plan, self.plan.random("comments")
        writer, anyone = Writer(random), scattered(zipf(random, plan.users), plan.users)
        threads: dict[int, deque[bytes]] = {}
        for comment_id, (time_s, post_id) in enumerate(self.comment_places(random), start=1):
            thread = threads.setdefault(post_id, deque(maxlen=REMEMBERED))
            parent, answers, path = placed(self.answered(random, post_id, thread), time_s * SECOND_US, comment_id)
            thread.append(path)
            self.comment_times_s.append(time_s)
            created = datetime.fromtimestamp(time_s, UTC)
            deleted = plan.until if comment_id % DELETED_COMMENTS == 0 else None
            author = anyone() + 1
            yield comment_id, post_id, author, parent, answers, path, writer.comment(), created, deleted

    def comment_places(self, random: Random) -> Iterator[tuple[int, int]]:
        """(seconds since 1970, post id) of every comment, oldest first; one number each while they are sorted."""
        popular, now_s, base = self.popular(random), self.posts.now_s, self.plan.posts + 1

        def packed() -> int:
            post_id = self.posts.live[popular()]
            return min(self.posts.times_s[post_id - 1] + int(random.expovariate(1 / DELAY_S)), now_s) * base + post_id

        places = sorted(packed() for _ in range(self.plan.comments))
        return (divmod(place, base) for place in places)

    def answered(self, random: Random, post_id: int, thread: "deque[bytes]") -> bytes | None:
        if not thread:
            return None
        if post_id % DEEP_THREADS == 0:
            return thread[-1]
        return None if random.random() < ROOTS else thread[int(random.random() ** 2 * len(thread))]

    def post_likes(self, feeds: Mapping[int, Collection[int]]) -> Rows:
        """(user, post, time). `feeds`: whom each viewer follows; a viewer likes every third of their posts."""
        random, live = self.plan.random("post likes"), self.posts.live
        size, draw = self.plan.users, self.popular(random)
        most = min(LIKED_FROM_FEED, self.plan.post_likes // 10)
        chosen = {user: list(islice(self.feed_places(people), most)) for user, people in feeds.items()}
        left = max(0, self.plan.post_likes - sum(map(len, chosen.values())))
        counts = shares(left, size, scattered(zipf(random, size), size), most=max(1, len(live) // 2))
        for user, count in enumerate(counts, start=1):
            own = chosen.get(user, [])
            for place in chain(own, distinct(count, len(live), draw, own)):
                yield user, live[place], self.after(self.posts.times_s[live[place] - 1], random)

    def feed_places(self, people: Collection[int]) -> Iterator[int]:
        """Every third of the newest posts by `people`."""
        live, authors = self.posts.live, self.posts.authors
        by_them = (place for place in range(len(live) - 1, -1, -1) if authors[live[place] - 1] in people)
        return islice(by_them, 0, None, 3)

    def comment_likes(self) -> Rows:
        """(user, comment, time); after `comments`, which says when each was written."""
        random, times_s = self.plan.random("comment likes"), self.comment_times_s
        size, draw = self.plan.users, recent(random, max(1, len(times_s)))
        most = max(1, len(times_s) // 2)
        counts = shares(self.plan.comment_likes, size, scattered(zipf(random, size), size), most=most)
        for user, count in enumerate(counts, start=1):
            for place in distinct(count, len(times_s), draw):
                yield user, place + 1, self.after(times_s[place], random)

    def bookmarks(self) -> Rows:
        random, live = self.plan.random("bookmarks"), self.posts.live
        size, draw = self.plan.users, self.popular(random)
        counts = shares(self.plan.bookmarks, size, scattered(zipf(random, size), size), most=max(1, len(live) // 2))
        for user, count in enumerate(counts, start=1):
            for place in distinct(count, len(live), draw):
                yield user, live[place], self.after(self.posts.times_s[live[place] - 1], random)

    def after(self, time_s: int, random: Random) -> datetime:
        """A time between `time_s` and now, mostly soon after it."""
        return datetime.fromtimestamp(time_s + int((self.posts.now_s - time_s) * random.random() ** 4), UTC)
