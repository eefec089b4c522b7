"""The change log: what pollers have not seen yet, written in the transaction that made the change."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, func, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from feed_service.models.base import Base, BigId, index


class Xid8(UserDefinedType[int]):
    """A transaction id of 64 bits, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


class PgSnapshot(UserDefinedType[str]):
    """Which transactions could be seen."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "pg_snapshot"


# SQLAlchemy does not know the type when it reads a table's columns, as Alembic lets it do.
ischema_names["xid8"] = Xid8


OF_FEEDS = "kind IN ('post', 'user')"
"""Events that concern the feeds of many."""

OF_TIES = "kind IN ('user_follow', 'tag_follow', 'block', 'mute')"
"""Events that concern the feeds of one, who is their `author_id`."""

OF_THREADS = "kind = 'comment'"


class ChangeLog(Base):
    """One event. `was_*` is the state before it, `is_*` and the rest the state after.

    `xid` is the transaction that wrote it: a reader compares it with the snapshot it stands at, so that a late commit
    is neither missed nor waited for. `author_id` is whose followers it concerns. There are no foreign keys: the log
    outlives what it tells of. `at` is in the key because the log is in partitions by it (`models.partitions`).
    """

    __tablename__ = "change_log"

    seq: Mapped[BigId]
    xid: Mapped[int] = mapped_column(Xid8, server_default=func.pg_current_xact_id())
    at: Mapped[datetime] = mapped_column(primary_key=True, server_default=func.now())
    kind: Mapped[str]
    action: Mapped[str]
    subject_id: Mapped[int]
    actor_id: Mapped[int | None]
    author_id: Mapped[int | None]
    post_id: Mapped[int | None]
    was_listed: Mapped[bool | None]
    is_listed: Mapped[bool | None]
    was_published_at: Mapped[datetime | None]
    is_published_at: Mapped[datetime | None]
    was_tagged: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    is_tagged: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))

    __table_args__ = (
        index("ix_change_log_xid", text("xid"), text("seq"), serves="changes.unseen"),
        index(
            "ix_change_log_feeds",
            text("xid"),
            text("seq"),
            postgresql_where=text(OF_FEEDS),
            serves="missed.of_feeds",
        ),
        index(
            "ix_change_log_ties",
            text("author_id"),
            text("xid"),
            text("seq"),
            postgresql_where=text(OF_TIES),
            serves="missed.of_feeds",
        ),
        index(
            "ix_change_log_threads",
            text("post_id"),
            text("xid"),
            text("seq"),
            postgresql_where=text(OF_THREADS),
            serves="missed.of_thread",
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )


class ChangeLogHorizon(Base):
    """Up to and with transaction `xid`, events may have been forgotten. There is one row, or none."""

    __tablename__ = "change_log_horizon"

    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    xid: Mapped[int] = mapped_column(Xid8)

    __table_args__ = (CheckConstraint("id", name="one_row"),)


class FeedEpoch(Base):
    """The history of which snapshots are comparable; another one gets another random `epoch`. One row, or none.

    It belongs to a server, its timeline and a database of it: a fail-over, a restored backup and a copy number their
    transactions anew. Whoever fills the tables without telling the change log deletes the row.
    """

    __tablename__ = "feed_epoch"

    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    epoch: Mapped[int]
    system_id: Mapped[int | None]
    timeline: Mapped[int | None]
    database_id: Mapped[int]

    __table_args__ = (CheckConstraint("id", name="one_row"),)
