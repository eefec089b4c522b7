"""How many posts a poller has not seen yet, and by whom: what `feed.changes` would add, without taking it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feed_service.polling.feed import members
from feed_service.polling.tokens import SyncToken
from feed_service.polling.touched import Poll, Touched, touched
from feed_service.polling.unread import at_tip

MOST_COUNTED = 100
CHUNK = 200
"""Posts that one statement looks at: what is new is mostly less."""


@dataclass(frozen=True)
class News:
    """`author_ids`: of the new posts, newest first. `token` is where the feed stands now."""

    token: SyncToken
    count: int = 0
    is_capped: bool = False
    author_ids: Sequence[int] = ()
    must_begin_anew: bool = False

    @property
    def outcome(self) -> str:
        """By which polls are counted."""
        return "reset" if self.must_begin_anew else "delta" if self.count else "empty"


async def news(poll: Poll) -> News:
    """Counted up to a limit. Raises what reading raises."""
    found = await touched(poll, to_the_end=True)
    token = at_tip(found.standing, poll.generation)
    if found.events is None:
        return News(token, must_begin_anew=True)
    new = await _added(poll, found)
    author_ids = list(dict.fromkeys(row.author_id for row in sorted(new, key=_newest, reverse=True)))
    return News(token, min(len(new), MOST_COUNTED), len(new) > MOST_COUNTED, author_ids)


async def _added(poll: Poll, found: Touched) -> list[Any]:
    """Rows of `membership`, more of them than are counted if there are; the posts are looked at newest first."""
    posts = found.by_post()
    newest = sorted(
        posts, key=lambda post_id: max(event.is_published_at or 0 for event in posts[post_id]), reverse=True
    )
    new: list[Any] = []
    for start in range(0, len(newest), CHUNK):
        rows = await poll.reads.rows(*members(poll, newest[start : start + CHUNK], poll.token))
        new += [row for row in rows if row.is_in and not found.fold.is_of_known(posts[row.id])]
        if len(new) > MOST_COUNTED:
            break
    return new


def _newest(row: Any) -> Any:  # noqa: ANN401 - a row of `membership`; a sort key.
    return row.published_at, row.id
