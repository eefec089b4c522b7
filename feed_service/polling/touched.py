"""What of the unread events concerns one feed, and whether its poller must begin anew."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from feed_service.polling.changes import Reads
from feed_service.polling.fold import Fold, Watched
from feed_service.polling.interest import Interest
from feed_service.polling.parts import Polling
from feed_service.polling.tail import Event, Standing
from feed_service.polling.tokens import SyncToken
from feed_service.polling.unread import of_feeds, unread
from feed_service.queries.feed_membership import tagged_authors
from feed_service.queries.feeds import RANKED_KINDS
from feed_service.viewer import Viewer

MOST_POSTS = 5_000
"""Posts that are looked at for one poller; whoever has missed more begins anew."""


@dataclass(frozen=True)
class Poll:
    """One question of one poller. `generation` is that of a ranked feed, as it is now; `is_fresh` as of `unread`."""

    polling: Polling
    reads: Reads
    viewer: Viewer
    watched: Watched
    token: SyncToken
    generation: str = ""
    is_fresh: bool = False


class Touched(NamedTuple):
    """Posts fallen due and events, each in order; None for a poller who must begin anew."""

    standing: Standing
    fold: Fold
    due: Sequence[Event] = ()
    events: Sequence[Event] | None = ()

    def by_post(self) -> dict[int, list[Event]]:
        posts: dict[int, list[Event]] = defaultdict(list)
        for event in (*self.due, *(self.events or ())):
            posts[event.subject_id].append(event)
        return posts


async def touched(poll: Poll, *, to_the_end: bool = False) -> Touched:
    """As `unread`. Without any unread event, it asks for nothing more."""
    scope = of_feeds(poll.viewer)
    found = await unread(poll.polling.tail, poll.token, scope, is_fresh=poll.is_fresh, to_the_end=to_the_end)
    standing, interest = found.standing, Interest(poll.viewer.user_id, found.standing.snapshot)
    if found.due or found.events:
        interest = await poll.polling.interests.of(poll.viewer)
    fold = Fold(poll.watched, interest, poll.token.clock_us, standing.clock_us)
    if found.events is None or poll.token.generation != poll.generation:
        return Touched(standing, fold, (), None)
    if fold.ties_changed(found.events) or await _users_changed(poll, fold, found.events):
        return Touched(standing, fold, (), None)
    if poll.watched.kind in RANKED_KINDS:
        return Touched(standing, fold)
    due, events = ([event for event in part if fold.concerns(event)] for part in (found.due, found.events))
    of_feed = Touched(standing, fold, due, events)
    return of_feed if len(of_feed.by_post()) <= MOST_POSTS else Touched(standing, fold, (), None)


async def _users_changed(poll: Poll, fold: Fold, events: Iterable[Event]) -> bool:
    """Whether somebody was hidden with all their posts, or shown again, whose posts the feed may hold.

    By a tag it may hold anybody's: then it is asked who has used one of the followed tags, unless there is news of
    theirs at hand, which may be that they use it no more.
    """
    changed = fold.users_changed(events)
    if not changed or poll.watched.kind in RANKED_KINDS:
        return False
    if any(map(fold.holds_posts_of, changed)):
        return True
    if any(event.author_id in changed and fold.concerns(event) for event in events):
        return True
    return bool(await poll.reads.rows(*tagged_authors(poll.viewer, sorted(changed))))
