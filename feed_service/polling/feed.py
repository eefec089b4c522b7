"""What has changed in a feed since its poller asked last: events folded to posts added, updated and removed.

Events only name the posts to look at; one statement says which of them the feed holds now. That statement runs later
than the log was read, so that what happens in between is told twice: clients put posts in their place by their ids.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row

from feed_service.paging import Item, Slice
from feed_service.polling.memory import EPOCH, microseconds
from feed_service.polling.tail import Event
from feed_service.polling.tokens import SyncToken
from feed_service.polling.told import Changes
from feed_service.polling.touched import Poll, Touched, touched
from feed_service.polling.unread import at_tip, key, tip
from feed_service.queries.feed_membership import membership
from feed_service.queries.feeds import MAX_ID, PERSONAL_KINDS, RANKED_KINDS, by_time
from feed_service.vocabulary import PostOrder

Rows = Sequence[Row[*tuple[Any, ...]]]

MOST_EXPIRED = 1_000
CLOCKS_DIFFER = timedelta(seconds=5)
"""A page with a `window` ends by the clock of this process, a poll by that of the database."""


class Window(NamedTuple):
    """Posts to look at, each with its events, and where the poller stands behind them."""

    posts: Mapping[int, Sequence[Event]]
    token: SyncToken
    has_more: bool


async def changes(poll: Poll, first: int) -> Changes[Item]:
    """Of up to `first` posts. Raises what reading raises."""
    found = await touched(poll)
    anew = Changes[Item](at_tip(found.standing, poll.generation), must_begin_anew=True)
    if found.events is None:
        return anew
    window = cut(poll.token, found, first)
    expired = await _expired(poll, window.token)
    if len(expired) > MOST_EXPIRED:
        return anew
    rows: Rows = []
    if window.posts:
        rows = await poll.reads.rows(*members(poll, list(window.posts), window.token))
    known = {row.id for row in rows if found.fold.is_of_known(window.posts[row.id])}
    return Changes(
        window.token,
        added=sorted((item(row) for row in rows if row.is_in and row.id not in known), key=_newest, reverse=True),
        updated=[row.id for row in rows if row.is_in and row.id in known],
        removed=[row.id for row in rows if not row.is_in and _was_shown(row, poll.token)] + expired,
        has_more=window.has_more,
    )


def cut(token: SyncToken, found: Touched, first: int) -> Window:
    """The first posts that fell due, then those that events tell of; the other way where it was cut among events."""
    posts: dict[int, list[Event]] = {}
    events = found.events or ()
    parts = (events, found.due) if is_among_events(token) else (found.due, events)
    last: Event | None = None
    for event in (event for part in parts for event in part):
        if event.subject_id not in posts and len(posts) == first and last is not None:
            return Window(posts, _behind(last, token, found), has_more=True)
        posts.setdefault(event.subject_id, []).append(event)
        last = event
    return Window(posts, tip(token, found.standing), has_more=False)


def is_among_events(token: SyncToken) -> bool:
    """Whether the window was cut there, and not among the posts that fell due."""
    return token.last is not None and bool(token.last[0])


def _behind(last: Event, token: SyncToken, found: Touched) -> SyncToken:
    upto = token.upto or found.standing.snapshot
    if last.xid:
        seen_us = token.clock_us if is_among_events(token) else max(token.clock_us, found.standing.clock_us)
        return token._replace(upto=upto, last=key(last), clock_us=seen_us)
    if is_among_events(token):
        token, upto = token._replace(since=upto), found.standing.snapshot
    return token._replace(upto=upto, last=(0, last.subject_id), clock_us=last.at)


def members(poll: Poll, post_ids: Sequence[int], token: SyncToken) -> Any:  # noqa: ANN401 - a Prepared.
    watched = poll.watched
    since = None if watched.window is None else moment(token.clock_us) - watched.window
    return membership(poll.viewer, watched.kind, post_ids, watched.filter, since)


def item(row: Any) -> Item:  # noqa: ANN401 - a row of `membership`.
    return Item(row.id, (row.published_at, row.id))


def _newest(one: Item) -> Any:  # noqa: ANN401 - a sort key.
    return one.key


def _was_shown(row: Any, token: SyncToken) -> bool:  # noqa: ANN401 - a row of `membership`.
    """Nothing of an author who was hidden before the poller asked last has been seen since."""
    return row.author_gone_at is None or microseconds(row.author_gone_at) > token.clock_us


async def _expired(poll: Poll, token: SyncToken) -> list[int]:
    """Posts that have become older than the window of the filter, which no event tells."""
    window, kind = poll.watched.window, poll.watched.kind
    if window is None or kind in RANKED_KINDS or (poll.viewer.is_anonymous and kind in PERSONAL_KINDS):
        return []
    before, after = moment(poll.token.clock_us) - window - CLOCKS_DIFFER, moment(token.clock_us) - window
    part = Slice(MOST_EXPIRED, after=(after, MAX_ID), before=(before, 0))
    rows = await poll.reads.rows(*by_time(poll.viewer, kind, PostOrder.NEWEST, part))
    return [row.id for row in rows if row.id is not None]


def moment(clock_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=clock_us)
