"""The index of all uses of tags by time for trends alone: the posts of one tag are not to be looked for in it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    put("NOT is_deleted AND published_at < 'infinity'::timestamptz")


def downgrade() -> None:
    put("NOT is_deleted")


def put(where: str) -> None:
    op.drop_index("ix_post_tags_published", table_name="post_tags")
    op.create_index(
        "ix_post_tags_published",
        "post_tags",
        [sa.literal_column("published_at DESC")],
        unique=False,
        postgresql_include=["tag_id", "author_id"],
        postgresql_where=sa.text(where),
    )
