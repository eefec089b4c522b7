"""What was deleted and has text still, by when it was deleted: so that what is too old is found without a search."""

from alembic import op

from feed_service.migrations import unbounded

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WITH_TEXT = {
    "posts": "deleted_at IS NOT NULL AND (title <> '' OR body <> '')",
    "comments": "deleted_at IS NOT NULL AND body <> ''",
}


def upgrade() -> None:
    with unbounded():
        for table, where in WITH_TEXT.items():
            name = f"ix_{table}_deleted_with_text"
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} (deleted_at, id) WHERE {where}")


def downgrade() -> None:
    for table in WITH_TEXT:
        op.drop_index(f"ix_{table}_deleted_with_text", table_name=table)
