"""What pollers compare their snapshots by, and what they read when they were away for long."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


FEEDS = sa.text("kind IN ('post', 'user')")
TIES = sa.text("kind IN ('user_follow', 'tag_follow', 'block', 'mute')")
THREADS = sa.text("kind = 'comment'")


def upgrade() -> None:
    op.drop_index("ix_change_log_author", table_name="change_log")
    for name, first, kinds in (
        ("feeds", (), FEEDS),
        ("ties", ("author_id",), TIES),
        ("threads", ("post_id",), THREADS),
    ):
        columns = [sa.literal_column(column) for column in (*first, "xid", "seq")]
        op.create_index(f"ix_change_log_{name}", "change_log", columns, unique=False, postgresql_where=kinds)
    op.create_table(
        "feed_epoch",
        sa.Column("id", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("system_id", sa.BigInteger(), nullable=True),
        sa.Column("timeline", sa.BigInteger(), nullable=True),
        sa.Column("database_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id", name=op.f("ck_feed_epoch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_epoch")),
    )


def downgrade() -> None:
    op.drop_table("feed_epoch")
    for name in ("feeds", "ties", "threads"):
        op.drop_index(f"ix_change_log_{name}", table_name="change_log")
    op.create_index(
        "ix_change_log_author",
        "change_log",
        [sa.literal_column("author_id"), sa.literal_column("xid"), sa.literal_column("seq")],
        unique=False,
        postgresql_where=sa.text("author_id IS NOT NULL"),
    )
