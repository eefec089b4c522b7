"""For analytics: a category's newest posts by one index, and from when on it is known when views were.

The index takes the place of the one by category alone. It is 19 MB for 500,000 posts instead of 3, and costs writers no
more: a post's time stands in other indexes as well, so that whatever changes it was never a HOT update.
"""

import sqlalchemy as sa
from alembic import op

from feed_service.migrations import unbounded

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    put("ix_posts_category_published", "category_id, published_at DESC, id DESC", "ix_posts_category")
    op.create_table(
        "view_horizon",
        sa.Column("id", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id", name=op.f("ck_view_horizon_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view_horizon")),
    )
    op.execute("INSERT INTO view_horizon (since) VALUES (now())")


def downgrade() -> None:
    put("ix_posts_category", "category_id", "ix_posts_category_published")
    op.drop_table("view_horizon")


def put(name: str, columns: str, instead_of: str) -> None:
    """The old one goes when the new one is there: a category's posts are looked for at any time."""
    with unbounded():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON posts ({columns})")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {instead_of}")
