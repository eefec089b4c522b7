"""What somebody has missed who was away for longer than a process remembers: events of some kinds, by one index."""

from sqlalchemy import BigInteger, Boolean, ColumnElement, bindparam, literal_column

from feed_service.models import changes
from feed_service.queries.changes import Events, after, first, log, of_open_transactions
from feed_service.queries.tail import MOST_EVENTS, fallen_due, told

OF_FEEDS: ColumnElement[bool] = literal_column(changes.OF_FEEDS, Boolean)
OWN_TIES = literal_column(changes.OF_TIES, Boolean) & (log.author_id == bindparam("viewer_id", type_=BigInteger))
OF_THREADS: ColumnElement[bool] = literal_column(changes.OF_THREADS, Boolean)
"""As they stand in the partial indexes, so that PostgreSQL knows that those hold what is asked for."""


def of_feeds() -> Events:
    """(snapshot, clock, epoch, horizon, columns of an event): what decides what feeds hold, as `tail.tail` tells it.

    Of ties only those of the viewer `:viewer_id`: the others are many, and concern nobody else.
    """
    return told(*_unseen(OF_FEEDS), *_unseen(OWN_TIES), fallen_due())


def of_thread() -> Events:
    """The same of the comments on the post `:post_id`, and of what decides who may see them."""
    comments = _unseen(OF_THREADS & (log.post_id == bindparam("post_id", type_=BigInteger)))
    return told(*comments, *_unseen(OF_FEEDS), *_unseen(OWN_TIES))


def _unseen(which: ColumnElement[bool]) -> tuple[Events, Events]:
    events = of_open_transactions().where(which), after("after", log).where(which)
    open_then, later = (first(one, MOST_EVENTS + 1, is_bounded=False) for one in events)
    return open_then, later
