"""What a process reads again and again to stay at the end of the change log, and to know that it is the same log."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Select,
    Text,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)

from feed_service import models
from feed_service.models.changes import Xid8
from feed_service.queries.changes import (
    COLUMNS,
    Events,
    after,
    first,
    horizon,
    inline,
    log,
    of_open_transactions,
    snapshot_text,
)

MOMENT = DateTime(timezone=True)
DUE_AFTER = bindparam("due_after", type_=MOMENT)

LOG_FILE = "pg_walfile_name(pg_current_wal_insert_lsn())"
TIMELINE = literal_column(f"('x' || substr({LOG_FILE}, 1, 8))::bit(32)::bigint", BigInteger)
"""The first eight digits of the name of a file of the log. The timeline of the checkpoint lags behind a promotion."""

DATABASE_ID = literal_column("(SELECT oid::bigint FROM pg_database WHERE datname = current_database())", BigInteger)

MOST_EVENTS = 5_000
"""Events that one read takes in; whoever finds more begins anew."""

MOST_DUE = 1_000


def tail() -> Events:
    """(snapshot, clock, epoch, horizon, columns of an event): all that has happened since the last read.

    The events that it could not see, as `changes.unseen` finds them but in no order, and the posts that fell due after
    `:due_after`. One more than `MOST_EVENTS` or `MOST_DUE` proves that there are too many. Without any event one row
    tells the rest; its `seq` is NULL.
    """
    open_then = first(of_open_transactions(), MOST_EVENTS + 1, is_bounded=False)
    later = first(after("after", log), MOST_EVENTS + 1, is_bounded=False)
    return told(open_then, later, fallen_due())


def told(*branches: Events) -> Events:
    """(snapshot, clock, epoch, horizon, columns of an event): events, and where the log stands, in one row at least."""
    events = union_all(*(select(branch.subquery()) for branch in branches)).subquery("events")
    epoch = select(models.FeedEpoch.epoch).scalar_subquery()
    standing = (snapshot_text().label("snapshot"), func.now().label("clock"), epoch.label("epoch"))
    now = select(*standing, horizon().label("horizon")).subquery("now")
    return select(*now.c, *events.c).select_from(now.outerjoin(events, true()))


def fallen_due() -> Events:
    """Posts published after `:due_after` and by now, as events `due` of no transaction; the oldest first."""
    post, link = models.Post, models.PostTag
    tags = func.array(select(link.tag_id).where(link.post_id == post.id).correlate(post).scalar_subquery())
    told: dict[str, Any] = {
        "seq": literal_column("0", BigInteger), "xid": literal_column("'0'::xid8", Xid8), "at": post.published_at,
        "kind": literal_column("'post'", Text), "action": literal_column("'due'", Text),
        "subject_id": post.id, "actor_id": cast(null(), BigInteger), "author_id": post.author_id, "post_id": post.id,
        "was_listed": false(), "is_listed": true(),
        "was_published_at": post.published_at, "is_published_at": post.published_at,
        "was_tagged": cast(tags, ARRAY(BigInteger)), "is_tagged": cast(tags, ARRAY(BigInteger)),
    }  # fmt: skip
    due = select(*(told[column.name].label(column.name) for column in COLUMNS)).where(
        post.deleted_at.is_(None),
        post.published_at > DUE_AFTER,
        post.published_at <= func.now(),
    )
    return due.order_by(post.published_at, post.id).limit(inline(MOST_DUE + 1))


def may_identify() -> Select[bool]:
    """Whether this role may read the identifier of the server, as all may unless somebody took the right away."""
    return select(func.has_function_privilege("pg_control_system()", "EXECUTE"))


def identity(*, with_system: bool) -> Select[*tuple[Any, ...]]:
    """(system_id, timeline, database_id) of the server; None for what it does not tell: a standby has no timeline."""
    system = select(literal_column("system_identifier", BigInteger)).select_from(func.pg_control_system())
    return select(
        (system.scalar_subquery() if with_system else cast(null(), BigInteger)).label("system_id"),
        case((func.pg_is_in_recovery(), cast(null(), BigInteger)), else_=TIMELINE).label("timeline"),
        DATABASE_ID.label("database_id"),
    )


def epoch() -> Select[*tuple[Any, ...]]:
    """(epoch, system_id, timeline, database_id): one row, or none."""
    return select(*(models.FeedEpoch.__table__.c[name] for name in ("epoch", "system_id", "timeline", "database_id")))
