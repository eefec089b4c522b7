"""The demo posts with their threads, likes and bookmarks, as rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from feed_service.imports.copy import INFINITY
from feed_service.models.threads import microseconds, placed
from feed_service.slugs import slug_of

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
)
POST_TAG = ("post_id", "tag_id", "author_id", "published_at")
COMMENT = ("id", "post_id", "author_id", "parent_id", "reply_to_id", "path", "body", "created_at", "deleted_at")
POST_LIKE = ("post_id", "user_id", "created_at")
BOOKMARK = ("post_id", "user_id", "saved_at")
VIEWS = ("post_id", "view_count")

BUSY = timedelta(hours=8)
"""Comments and likes come within so long after a post, or until now."""

VIEWS_PER_LIKE = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a thread; `depth` 0 answers the post."""

    depth: int
    username: str
    body: str
    is_deleted: bool


def thread_lines(thread: str) -> list[Line]:
    lines = []
    for line in thread.strip("\n").splitlines():
        indented = line.lstrip()
        name, _, body = indented.removeprefix("- ").partition(": ")
        lines.append(Line((len(line) - len(indented)) // 2, name, body, indented.startswith("- ")))
    return lines


@dataclass(frozen=True)
class DemoPosts:
    """`posts` by id, as the file tells them; `blocks` as there: who blocks whom."""

    posts: dict[int, dict[str, Any]]
    ids: dict[str, dict[str, int]]
    blocks: dict[str, str]
    now: datetime

    @property
    def lines(self) -> int:
        return sum(len(thread_lines(post.get("thread", ""))) for post in self.posts.values())

    def rows(self) -> Rows:
        for id_, post in self.posts.items():
            author, category = self.ids["people"][post["by"]], self.ids["categories"].get(post.get("category", ""))
            told = (slug_of(post["title"]), post["title"], post["body"].strip("\n"), post.get("language", "en"))
            written, status = self.written_at(post), post.get("status", "published")
            yield id_, author, category, *told, status, written, written, self.published_at(post)

    def tags(self) -> Rows:
        for id_, post in self.posts.items():
            for tag in post["tags"].split():
                yield id_, self.ids["tags"][tag], self.ids["people"][post["by"]], self.published_at(post)

    def comments(self, ids: Sequence[int]) -> Rows:
        free = iter(ids)
        for post_id, post in self.posts.items():
            lines = thread_lines(post.get("thread", ""))
            above: list[bytes] = []
            for line, at in zip(lines, self.moments(post, len(lines)), strict=True):
                comment_id, answered = next(free), above[line.depth - 1] if line.depth else None
                parent, answers, path = placed(answered, microseconds(at), comment_id)
                above[line.depth :] = [path]
                author, deleted = self.ids["people"][line.username], self.now if line.is_deleted else None
                yield comment_id, post_id, author, parent, answers, path, line.body, at, deleted

    def chosen(self, what: str) -> Rows:
        """As many people as the post says, beginning at another one for each post."""
        for place, (id_, post) in enumerate(self.posts.items()):
            apart = {post["by"], *self.blocked_with(post["by"])}
            people = [name for name in self.ids["people"] if name not in apart]
            count = min(post.get(what, 0), len(people))
            for step, at in enumerate(self.moments(post, count)):
                yield id_, self.ids["people"][people[(place + step) % len(people)]], at

    def views(self) -> Rows:
        for id_, post in self.posts.items():
            yield id_, VIEWS_PER_LIKE * post.get("likes", 0)

    def blocked_with(self, name: str) -> set[str]:
        blocked = set(self.blocks.get(name, "").split())
        return blocked | {other for other, names in self.blocks.items() if name in names.split()}

    def moments(self, post: dict[str, Any], count: int) -> list[datetime]:
        """`count` times between the post and now, evenly."""
        written = self.written_at(post)
        step = min(BUSY, self.now - written) / (count + 1)
        return [written + step * (place + 1) for place in range(count)]

    def written_at(self, post: dict[str, Any]) -> datetime:
        return self.now - timedelta(hours=post.get("ago", 1))

    def published_at(self, post: dict[str, Any]) -> datetime:
        if post.get("status") == "draft":
            return INFINITY
        return self.now + timedelta(hours=post["in"]) if "in" in post else self.written_at(post)
