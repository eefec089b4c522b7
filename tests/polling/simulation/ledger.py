"""What clients must not be shown: kept by those who write, looked up by those who read."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

STALE_S = 1.0
"""A 304 may be as old as this (contract.md section 5); a 200 is never older than its request."""

Key = tuple[str, ...]


class Ledger:
    """Times are those of time.monotonic(): of the answer that acknowledged it.

    `wrong` collects what was shown although it was hidden, or was older than what had been acknowledged.
    """

    def __init__(self) -> None:
        self._hidden: dict[Key, float] = {}
        self._versions: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self.looked_at = 0
        self.wrong: list[str] = []

    def hidden(self, *key: str, at: float) -> None:
        """A post, an author, or what stands between a viewer and an author: nobody, or that viewer, may see it."""
        self._hidden[key] = at

    def shows_again(self, *key: str) -> None:
        """To be called before it is asked for: from now on, it may be seen at any moment."""
        self._hidden.pop(key, None)

    def edited(self, post_id: str, version: int, at: float) -> None:
        self._versions[post_id].append((at, version))

    def check(self, who: str, posts: Iterable[Mapping[str, Any]], seen_at: float, what: str) -> None:
        """`posts` were shown to `who` in an answer that knows all that was acknowledged before `seen_at`."""
        for post in posts:
            self.looked_at += 1
            author = post["author"]["id"]
            for key in (("post", post["id"]), ("author", author), ("between", who, author)):
                if (hidden := self._hidden.get(key, math.inf)) < seen_at:
                    self.wrong.append(f"{what}: {key} was hidden {seen_at - hidden:.3f} s before")
            edits = self._versions.get(post["id"], [])
            known = bisect_right(edits, (seen_at, 0))
            if known and post["version"] < edits[known - 1][1]:
                late = f"{post['id']} in version {post['version']}, not {edits[known - 1]}"
                self.wrong.append(f"{what}: {late}, at {seen_at:.3f}")
