"""What pollers compare their snapshots by, and what they read when they were away for long."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
