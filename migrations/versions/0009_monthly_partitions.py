"""Views, audit trail and change log in monthly partitions; what was there becomes the first of them, where it lies.

Nobody waits for long: the indexes of the new primary keys are built beside the writers, a validated CHECK spares the
scan under the lock, and the tables are exchanged in one transaction of some milliseconds. The first partition goes to
the end of the month in which it will be a week from now, so that its CHECK does not refuse anything if the migration
is cut off and run again some days later. The programs of the version before go on: they name the tables, nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alembic import op

from feed_service.migrations import LOCK_TIMEOUT, unbounded

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

AHEAD = 3


@dataclass(frozen=True)
class Table:
    """`key` and `old_key` are columns of the primary key; `indexes`, by the end of their names, (columns, predicate)."""

    name: str
    column: str
    key: str
    old_key: str
    indexes: dict[str, tuple[str, str]]
    new_indexes: frozenset[str] = frozenset()
    has_seq: bool = False

    def index(self, ending: str, table: str = "", how: str = "") -> str:
        columns, predicate = self.indexes[ending]
        where = f" WHERE {predicate}" if predicate else ""
        return f"CREATE INDEX{how} ix_{self.name}_{ending} ON {table or self.name} ({columns}){where}"


XIDS = "xid, seq"
LOG = Table(
    "change_log",
    "at",
    "seq, at",
    "seq",
    {
        "xid": (XIDS, ""),
        "feeds": (XIDS, "kind IN ('post', 'user')"),
        "ties": (f"author_id, {XIDS}", "kind IN ('user_follow', 'tag_follow', 'block', 'mute')"),
        "threads": (f"post_id, {XIDS}", "kind = 'comment'"),
    },
    has_seq=True,
)
SUBJECT = {"subject": ("subject_kind, subject_id, at DESC", "")}
TRAIL = Table("audit_events", "at", "stream, number, at", "stream, number", SUBJECT)
USER = {"user": ("user_id, hour, post_id", "")}
VIEWS = Table("post_views", "hour", "post_id, hour, user_id", "hour, post_id, user_id", USER, frozenset(USER))
TABLES = (LOG, TRAIL, VIEWS)

REFUSED = "EXECUTE FUNCTION refuse_to_change_the_audit_trail()"
STATEMENTS = (
    "CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {} FOR EACH STATEMENT " + REFUSED
)
ROWS = "CREATE TRIGGER audit_rows_are_kept BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW " + REFUSED
"""PostgreSQL gives this one to each partition by itself. The one above it does not, and it alone refuses TRUNCATE."""


def upgrade() -> None:
    months = starts(datetime.now(UTC) + timedelta(days=7))
    release()
    for table in TABLES:
        is_first = f"CHECK ({table.column} < {written(months[0])}) NOT VALID"
        op.execute(f"ALTER TABLE {table.name} ADD CONSTRAINT is_first {is_first}")
    with unbounded():
        try:
            for table in TABLES:
                prepare(table)
        except BaseException:
            op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            release()
            raise
    # In the order in which writers come to them.
    op.execute("LOCK TABLE change_log, audit_streams, audit_events, post_views IN ACCESS EXCLUSIVE MODE")
    for table in TABLES:
        exchange(table, months)
    for name in ("audit_events", *partitions("audit_events", months)[1:]):
        op.execute(STATEMENTS.format(name))
    op.execute(ROWS)
    op.execute("ALTER TABLE audit_streams ADD COLUMN forgotten bigint DEFAULT 0 NOT NULL")
    op.execute("ALTER TABLE audit_streams ADD COLUMN forgotten_hash bytea DEFAULT ''::bytea NOT NULL")


def release() -> None:
    """A CHECK that was left behind would refuse what is written when its month is over."""
    for table in TABLES:
        excused("ban-drop-constraint", f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS is_first")


def starts(moment: datetime) -> list[datetime]:
    """Of the months after that of the moment."""
    first = 12 * moment.year + moment.month
    return [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(first, first + AHEAD + 1)]


def written(start: datetime) -> str:
    return f"'{start:%Y-%m-%d} 00:00:00+00'"


def partitions(name: str, months: Sequence[datetime]) -> list[str]:
    """The first, those of the months, and the one of whatever fits none of them."""
    return [f"{name}_before_{months[0]:%Y_%m}", *(f"{name}_{start:%Y_%m}" for start in months[:-1]), f"{name}_default"]


def prepare(table: Table) -> None:
    """Whatever takes long, beside those who write. All of it may be done again."""
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {table.name}_new_key")
    op.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {table.name}_new_key ON {table.name} ({table.key})")
    for ending in table.new_indexes:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_{table.name}_{ending}")
        op.execute(table.index(ending, how=" CONCURRENTLY"))
    op.execute(f"ALTER TABLE {table.name} VALIDATE CONSTRAINT is_first")


def exchange(table: Table, months: Sequence[datetime]) -> None:
    """Make the table the first partition of one of its name: nothing is copied, and no row is looked at."""
    name = table.name
    first, *others, default = partitions(name, months)
    renamed("TABLE", name, first, "renaming-table")
    excused("ban-drop-constraint", f"ALTER TABLE {first} DROP CONSTRAINT pk_{name}")
    op.execute(f"ALTER TABLE {first} ADD CONSTRAINT pk_{first} PRIMARY KEY USING INDEX {name}_new_key")
    for ending in table.indexes:
        renamed("INDEX", f"ix_{name}_{ending}", f"ix_{first}_{ending}")
    op.execute(f"CREATE TABLE {name} (LIKE {first} INCLUDING DEFAULTS) PARTITION BY RANGE ({table.column})")
    grant_again(first, name)
    if table.has_seq:
        take_over_numbers(first, name)
    finish(table, table.key)
    op.execute(f"ALTER TABLE {name} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ({written(months[0])})")
    excused("ban-drop-constraint", f"ALTER TABLE {first} DROP CONSTRAINT is_first")
    for other, start, end in zip(others, months, months[1:], strict=False):
        values = f"FOR VALUES FROM ({written(start)}) TO ({written(end)})"
        op.execute(f"CREATE TABLE {other} PARTITION OF {name} {values}")
    op.execute(f"CREATE TABLE {default} PARTITION OF {name} DEFAULT")


def renamed(kind: str, old: str, new: str, rule: str = "renaming-object") -> None:
    """In the same transaction there is another under the name, for whoever runs beside this."""
    excused(rule, f"ALTER {kind} {old} RENAME TO {new}")


def excused(rule: str, statement: str) -> None:
    """The linter sees a loss where the same is there again before anybody else comes to the table."""
    op.execute(f"-- squawk-ignore {rule}\n{statement}")


def finish(table: Table, key: str, leave_out: frozenset[str] = frozenset()) -> None:
    op.execute(f"ALTER TABLE {table.name} ADD CONSTRAINT pk_{table.name} PRIMARY KEY ({key})")
    for ending in table.indexes:
        if ending not in leave_out:
            op.execute(table.index(ending))


def take_over_numbers(old: str, new: str) -> None:
    renamed("SEQUENCE", f"{new}_seq_seq", f"{old}_seq_seq")
    excused("ban-alter-identity", f"ALTER TABLE {new} ALTER COLUMN seq ADD GENERATED BY DEFAULT AS IDENTITY")
    op.execute(f"SELECT setval('{new}_seq_seq', last_value, is_called) FROM {old}_seq_seq")  # noqa: S608 - names of ours.
    # A partition's numbers are given by the table that it is a part of.
    excused("ban-alter-identity", f"ALTER TABLE {old} ALTER COLUMN seq DROP IDENTITY")


def grant_again(old: str, new: str) -> None:
    """What others than the owner may do with the table."""
    granted = (
        f"SELECT grantee, privilege_type, is_grantable FROM pg_class, aclexplode(relacl) WHERE oid = '{old}'::regclass"  # noqa: S608
    )
    op.execute(f"""
        DO $$
        DECLARE given record;
        BEGIN
            FOR given IN {granted} AND grantee <> relowner LOOP
                EXECUTE format('GRANT %s ON {new} TO %s%s', given.privilege_type,
                    CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END,
                    CASE WHEN given.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
            END LOOP;
        END $$
    """)


def downgrade() -> None:
    """All rows are copied back, while nobody else comes to the tables: it takes its time."""
    op.execute("LOCK TABLE change_log, audit_streams, audit_events, post_views IN ACCESS EXCLUSIVE MODE")
    for table in TABLES:
        name, old = table.name, f"{table.name}_partitioned"
        op.execute(f"ALTER TABLE {name} RENAME TO {old}")
        op.execute(f"CREATE TABLE {name} (LIKE {old} INCLUDING DEFAULTS)")
        grant_again(old, name)
        op.execute(f"INSERT INTO {name} SELECT * FROM {old}")  # noqa: S608 - names of ours.
        if table.has_seq:
            take_over_numbers(old, name)
        op.execute(f"DROP TABLE {old}")
        finish(table, table.old_key, table.new_indexes)
    op.execute(STATEMENTS.format("audit_events"))
    op.drop_column("audit_streams", "forgotten_hash")
    op.drop_column("audit_streams", "forgotten")
