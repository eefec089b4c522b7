"""Regular work is rows of `jobs` too: how often, when it last ran and how it went.

The table is small, since what is done is forgotten: its indexes are built in milliseconds. Neither of them has a column
that a run of regular work changes, so that its row is updated in its place.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("jobs", sa.Column("every_s", sa.Double(), nullable=True))
    op.add_column("jobs", sa.Column("started_at", TIME, nullable=True))
    op.add_column("jobs", sa.Column("ran_at", TIME, nullable=True))
    op.add_column("jobs", sa.Column("took_s", sa.Double(), nullable=True))
    op.add_column("jobs", sa.Column("runs", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("jobs", sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False))
    op.execute("ALTER TABLE jobs SET (fillfactor = 50)")
    op.execute("UPDATE jobs SET finished_at = NULL WHERE state = 'failed'")
    op.create_index("ix_jobs_open", "jobs", ["id"], postgresql_where=sa.text("finished_at IS NULL AND every_s IS NULL"))
    op.create_index("ix_jobs_regular", "jobs", ["kind"], unique=True, postgresql_where=sa.text("every_s IS NOT NULL"))
    op.drop_index("ix_jobs_due", table_name="jobs")


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE every_s IS NOT NULL")
    op.create_index(
        "ix_jobs_due", "jobs", ["run_after", "id"], postgresql_where=sa.text("state IN ('waiting', 'running')")
    )
    op.drop_index("ix_jobs_regular", table_name="jobs")
    op.drop_index("ix_jobs_open", table_name="jobs")
    op.execute("ALTER TABLE jobs RESET (fillfactor)")
    for name in ("failures", "runs", "took_s", "ran_at", "started_at", "every_s"):
        op.drop_column("jobs", name)
