"""What a poller has not seen yet: found in memory, or asked of the log by those who were away for longer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from feed_service.polling.changes import Position, values_of
from feed_service.polling.memory import EPOCH, microseconds
from feed_service.polling.snapshots import Snapshot
from feed_service.polling.tail import Event, Lane, Standing, Tail
from feed_service.polling.tokens import SyncToken
from feed_service.queries import missed
from feed_service.queries.tail import MOST_DUE, MOST_EVENTS
from feed_service.transactions import Statement, Statements, compiled
from feed_service.viewer import Viewer


@dataclass(frozen=True)
class Scope:
    """Which events concern a poller: the lanes of the memory, and the statement for those it does not hold any more."""

    lanes: tuple[Lane, ...]
    missed: Statement
    values: Mapping[str, Any] = field(default_factory=dict)


_OF_FEEDS = compiled(missed.of_feeds())
_OF_THREAD = compiled(missed.of_thread())


def of_feeds(viewer: Viewer) -> Scope:
    return Scope((Lane.FEEDS,), _OF_FEEDS, {"viewer_id": viewer.user_id})


def of_thread(viewer: Viewer, post_id: int) -> Scope:
    return Scope((Lane.THREADS, Lane.FEEDS), _OF_THREAD, {"viewer_id": viewer.user_id, "post_id": post_id})


class Unread(NamedTuple):
    """Up to where it was looked, and what was found: posts fallen due and events, each in order.

    `events` is None for a poller who must begin anew.
    """

    standing: Standing
    due: list[Event]
    events: list[Event] | None


async def unread(
    tail: Tail, token: SyncToken, scope: Scope, *, is_fresh: bool = False, to_the_end: bool = False
) -> Unread:
    """In the window of the token, and with `to_the_end`, also behind it. Raises what reading the log raises.

    What was committed in the last second may be left for the next time, unless `is_fresh`.
    """
    await tail.caught_up(0 if is_fresh else 1.0)
    if tail.is_behind(token.upto or token.since):
        await tail.caught_up(0)
    standing = tail.standing
    if is_lost(token, standing):
        return Unread(standing, [], None)
    found = _remembered(tail, token, scope)
    if found is None:
        standing, found = await _asked(tail, token, scope)
        if found is None or is_lost(token, standing):
            return Unread(standing, [], None)
    return _in_order(standing, token, found, to_the_end=to_the_end)


def _remembered(tail: Tail, token: SyncToken, scope: Scope) -> list[Event] | None:
    found: list[Event] = []
    for lane in scope.lanes:
        of_lane = tail.since(token.since, token.clock_us - _again(token), lane)
        if of_lane is None:
            return None
        found += of_lane
    return found


def is_lost(token: SyncToken, standing: Standing) -> bool:
    """Whether the token is of another history, or older than what the log remembers."""
    is_forgotten = standing.horizon is not None and standing.horizon >= token.since.xmin
    return token.epoch != standing.epoch or is_forgotten or not standing.snapshot.includes(token.upto or token.since)


async def _asked(tail: Tail, token: SyncToken, scope: Scope) -> tuple[Standing, list[Event] | None]:
    """By one statement, which tells where it stands by itself; None if there are too many."""
    values = values_of(Position(token.since.text)) | dict(scope.values)
    if Lane.THREADS not in scope.lanes:
        values["due_after"] = EPOCH + timedelta(microseconds=token.clock_us - _again(token))
    database = tail.database
    rows = await database.by_driver(
        lambda driver: Statements(driver, meters=database.meters).rows(scope.missed, **values)
    )
    row = rows[0]
    standing = Standing(0, Snapshot.parse(row["snapshot"]), microseconds(row["clock"]), row["epoch"], row["horizon"])
    events = [Event.of(found) for found in rows if found["seq"] is not None]
    due = sum(1 for event in events if not event.xid)
    return standing, None if due > MOST_DUE or len(events) - due > MOST_EVENTS else events


def _in_order(standing: Standing, token: SyncToken, found: Iterable[Event], *, to_the_end: bool) -> Unread:
    last, upto = token.last or (0, 0), token.upto or standing.snapshot
    at_once = {(event.subject_id, event.is_published_at) for event in found if is_published_at_once(event)}
    due = sorted((event for event in found if not event.xid and due_key(event)[::-1] not in at_once), key=due_key)
    if _again(token):
        due = [event for event in due if due_key(event) > (token.clock_us, last[1])]
    told = (event for event in found if event.xid and (key(event) > last if upto.sees(event.xid) else to_the_end))
    return Unread(standing, due, sorted(told, key=key))


def is_published_at_once(event: Event) -> bool:
    """Such a post also falls due; the event, which is told of whatever the time, is enough."""
    return event.kind == "post" and bool(event.xid) and not event.was_listed and event.is_listed is True


def _again(token: SyncToken) -> int:
    """1 if the window was cut among posts that fell due in the same microsecond: `last` is then (0, post id)."""
    return 1 if token.last is not None and not token.last[0] else 0


def key(event: Event) -> tuple[int, int]:
    return event.xid, event.seq


def due_key(event: Event) -> tuple[int, int]:
    return event.at, event.subject_id


def tip(token: SyncToken, standing: Standing) -> SyncToken:
    """Where a poller stands who has seen all that was unread."""
    return token._replace(
        epoch=standing.epoch,
        since=token.upto or standing.snapshot,
        clock_us=max(token.clock_us, standing.clock_us),
        upto=None,
        last=None,
    )


def at_tip(standing: Standing, generation: str = "") -> SyncToken:
    return SyncToken(standing.epoch, standing.snapshot, standing.clock_us, generation=generation)
