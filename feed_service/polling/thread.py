"""What has changed in a thread since its poller asked last. A comment is told of again if in doubt: see `feed`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feed_service.polling.changes import Reads
from feed_service.polling.interest import STANDING
from feed_service.polling.memory import microseconds
from feed_service.polling.parts import Polling
from feed_service.polling.tail import Event
from feed_service.polling.tokens import SyncToken
from feed_service.polling.told import Changes
from feed_service.polling.unread import at_tip, key, of_thread, tip, unread
from feed_service.queries.thread_membership import people_of, with_those_above
from feed_service.viewer import Viewer


@dataclass(frozen=True)
class ThreadPoll:
    """One question of one poller of the comments on a post. `is_fresh` as of `unread`."""

    polling: Polling
    reads: Reads
    viewer: Viewer
    post_id: int
    token: SyncToken
    is_fresh: bool = False


Events = dict[int, list[Event]]
"""By the comment they tell of."""


async def changes(poll: ThreadPoll, first: int) -> Changes[int]:
    """By the events of up to `first` comments; whether the post may be seen is asked apart.

    Raises what reading raises.
    """
    scope = of_thread(poll.viewer, poll.post_id)
    found = await unread(poll.polling.tail, poll.token, scope, is_fresh=poll.is_fresh)
    if found.events is None or await _must_begin_anew(poll, found.events):
        return Changes(at_tip(found.standing), must_begin_anew=True)
    told, last = _first(found.events, poll.post_id, first)
    token = tip(poll.token, found.standing)
    if last is not None:
        token = poll.token._replace(upto=poll.token.upto or found.standing.snapshot, last=key(last))
    if not told:
        return Changes(token)
    judged = await _judged(poll, told)
    added, updated, removed = ([one for one, verdict in judged.items() if verdict == name] for name in VERDICTS)
    return Changes(token, added, updated, removed, has_more=last is not None)


def _first(events: Sequence[Event], post_id: int, first: int) -> tuple[Events, Event | None]:
    """The events of the first comments, and the last one of them if there are more."""
    told: Events = {}
    last: Event | None = None
    for event in events:
        if event.kind == "comment" and event.post_id == post_id:
            if event.subject_id not in told and len(told) == first:
                return told, last
            told.setdefault(event.subject_id, []).append(event)
            last = event
    return told, None


async def _must_begin_anew(poll: ThreadPoll, events: Sequence[Event]) -> bool:
    """Whether the post was hidden or shown, the viewer's blocks changed, or the standing of somebody who takes part."""
    for event in events:
        if event.kind == "block" and event.author_id == poll.viewer.user_id:
            return True
        if event.kind == "post" and event.subject_id == poll.post_id and event.was_listed != event.is_listed:
            return True
    users = {event.subject_id for event in events if event.kind == "user" and event.action in STANDING}
    return bool(users and await poll.reads.rows(*people_of(poll.post_id, sorted(users))))


async def _judged(poll: ThreadPoll, told: Events) -> dict[int, str]:
    """What is to be said of each comment, and of those above it that it may keep there as tombstones."""
    interest = await poll.polling.interests.of(poll.viewer)
    rows = await poll.reads.rows(*with_those_above(poll.viewer, poll.post_id, list(told)))

    def was_hidden(row: Any) -> bool:  # noqa: ANN401 - a row of `with_those_above`.
        """Nothing has been seen of those who are blocked, or were hidden before the poller asked last."""
        gone_at = row.author_gone_at
        return row.author_id in interest.blocked_ids or (
            gone_at is not None and microseconds(gone_at) <= poll.token.clock_us
        )

    seen = {row.id for row in rows if row.id == row.below_id and not was_hidden(row)}
    below: Events = defaultdict(list)
    found: dict[int, Any] = {}
    for row in rows:
        if row.below_id in seen:
            found[row.id] = row
            below[row.id] += told[row.below_id] if row.id != row.below_id else ()
    return {one: _verdict(row, told[one] if one in seen else (), below[one]) for one, row in found.items()}


VERDICTS = ("added", "updated", "removed")


def _verdict(row: Any, own: Sequence[Event], below: Sequence[Event]) -> str:  # noqa: ANN401 - as above.
    """One of `VERDICTS`, or nothing. `own` events tell of the comment itself, those `below` of what hangs on it."""
    if not row.is_shown:
        return "removed"
    if row.is_listed:
        is_edited = all(event.was_listed and event.is_listed for event in own)
        return "" if not own else "updated" if is_edited else "added"
    if any(event.is_listed and not event.was_listed for event in (*own, *below)):
        return "added"
    return "updated" if own else ""
