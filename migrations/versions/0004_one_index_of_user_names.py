"""One index of user names for both `=` and `LIKE 'x%'`, instead of one for each."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PATTERN = {"lowered": "text_pattern_ops"}
LOWERED = [sa.literal_column("lower(username)").label("lowered")]


def upgrade() -> None:
    op.drop_index("uq_users_username", table_name="users")
    op.create_index("uq_users_username", "users", LOWERED, unique=True, postgresql_ops=PATTERN)
    op.drop_index("ix_users_username_prefix", table_name="users")


def downgrade() -> None:
    op.create_index("ix_users_username_prefix", "users", LOWERED, postgresql_ops=PATTERN)
    op.drop_index("uq_users_username", table_name="users")
    op.create_index("uq_users_username", "users", [sa.literal_column("lower(username)")], unique=True)
