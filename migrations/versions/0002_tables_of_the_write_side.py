"""Tables of the write side."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


APPEND_ONLY = """
CREATE FUNCTION refuse_to_change_the_audit_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is only ever added to' USING ERRCODE = 'insufficient_privilege';
END $$
"""
KEPT = """
CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_trail()
"""


class Xid8(sa.types.UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("private", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "number", name=op.f("pk_audit_events")),
    )
    op.create_index(
        "ix_audit_events_subject",
        "audit_events",
        ["subject_kind", "subject_id", sa.literal_column("at DESC")],
        unique=False,
    )
    op.execute(APPEND_ONLY)
    op.execute(KEPT)
    op.create_table(
        "audit_keys",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_audit_keys")),
    )
    op.create_table(
        "audit_streams",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), server_default=sa.text("''::bytea"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_streams")),
    )
    op.create_table(
        "change_log",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("post_id", sa.BigInteger(), nullable=True),
        sa.Column("was_listed", sa.Boolean(), nullable=True),
        sa.Column("is_listed", sa.Boolean(), nullable=True),
        sa.Column("was_published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("was_tagged", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("is_tagged", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change_log")),
    )
    op.create_index(
        "ix_change_log_author",
        "change_log",
        [sa.literal_column("author_id"), sa.literal_column("xid"), sa.literal_column("seq")],
        unique=False,
        postgresql_where=sa.text("author_id IS NOT NULL"),
    )
    op.create_index(
        "ix_change_log_xid", "change_log", [sa.literal_column("xid"), sa.literal_column("seq")], unique=False
    )
    op.create_table(
        "change_log_horizon",
        sa.Column("id", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("xid", Xid8(), nullable=False),
        sa.CheckConstraint("id", name=op.f("ck_change_log_horizon_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_log_horizon")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column(
            "task", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "progress", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("run_after", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_jobs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["run_after", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_table(
        "bulks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=True),
        sa.Column("byte_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("line_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("chunk_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("done_chunk_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("done_line_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "counts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("done_chunk_count BETWEEN 0 AND chunk_count", name=op.f("ck_bulks_done")),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name=op.f("fk_bulks_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulks")),
    )
    op.create_index("ix_bulks_created_by", "bulks", ["created_by_id", sa.literal_column("id DESC")], unique=False)
    op.create_index(
        "ix_bulks_kept", "bulks", ["created_at"], unique=False, postgresql_where=sa.text("forgotten_at IS NULL")
    )
    op.create_index(
        "uq_bulks_idempotency_key",
        "bulks",
        ["created_by_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "bulk_chunks",
        sa.Column("bulk_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_line", sa.BigInteger(), nullable=False),
        sa.Column("line_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("outcomes", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulks.id"], name=op.f("fk_bulk_chunks_bulk_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("bulk_id", "number", name=op.f("pk_bulk_chunks")),
    )
    op.create_table(
        "bulk_effects",
        sa.Column("bulk_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulks.id"], name=op.f("fk_bulk_effects_bulk_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("bulk_id", "subject", name=op.f("pk_bulk_effects")),
    )
    op.create_table(
        "bulk_deletions",
        sa.Column("bulk_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulks.id"], name=op.f("fk_bulk_deletions_bulk_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_bulk_deletions_post_id")),
        sa.PrimaryKeyConstraint("bulk_id", "post_id", name=op.f("pk_bulk_deletions")),
    )
    op.create_index("ix_bulk_deletions_post", "bulk_deletions", ["post_id"], unique=False)
    op.create_table(
        "post_views",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("post_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hour", "post_id", "user_id", name=op.f("pk_post_views")),
    )
    op.create_table(
        "bookmark_collections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bookmark_collections_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookmark_collections")),
    )
    op.create_index(
        "uq_bookmark_collections_name",
        "bookmark_collections",
        [sa.literal_column("user_id"), sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("mutation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id")),
        sa.PrimaryKeyConstraint("user_id", "mutation", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "collected_bookmarks",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["bookmark_collections.id"], name=op.f("fk_collected_bookmarks_collection_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "post_id"],
            ["bookmarks.user_id", "bookmarks.post_id"],
            name="fk_collected_bookmarks_bookmark",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "post_id", name=op.f("pk_collected_bookmarks")),
    )
    op.create_index("ix_collected_bookmarks_bookmark", "collected_bookmarks", ["user_id", "post_id"], unique=False)
    op.create_index(
        "ix_collected_bookmarks_saved",
        "collected_bookmarks",
        [sa.literal_column("collection_id"), sa.literal_column("saved_at DESC"), sa.literal_column("post_id DESC")],
        unique=False,
    )
    op.create_table(
        "content_edits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=True),
        sa.Column("comment_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("editor_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(post_id, comment_id) = 1", name=op.f("ck_content_edits_one_subject")),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_content_edits_comment_id")),
        sa.ForeignKeyConstraint(["editor_id"], ["users.id"], name=op.f("fk_content_edits_editor_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_content_edits_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_edits")),
    )
    op.create_index("ix_content_edits_editor", "content_edits", ["editor_id"], unique=False)
    op.create_index(
        "uq_content_edits_comment",
        "content_edits",
        [sa.literal_column("comment_id"), sa.literal_column("version DESC")],
        unique=True,
        postgresql_where=sa.text("comment_id IS NOT NULL"),
    )
    op.create_index(
        "uq_content_edits_post",
        "content_edits",
        [sa.literal_column("post_id"), sa.literal_column("version DESC")],
        unique=True,
        postgresql_where=sa.text("post_id IS NOT NULL"),
    )
    op.create_index(
        "ix_bookmarks_user_saved",
        "bookmarks",
        [sa.literal_column("user_id"), sa.literal_column("saved_at DESC"), sa.literal_column("post_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_blocks_newest",
        "blocks",
        [sa.literal_column("blocker_id"), sa.literal_column("created_at DESC"), sa.literal_column("blocked_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_mutes_newest",
        "mutes",
        [sa.literal_column("muter_id"), sa.literal_column("created_at DESC"), sa.literal_column("muted_id DESC")],
        unique=False,
    )
    op.add_column("comments", sa.Column("deleted_by_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_comments_deleted_by",
        "comments",
        ["deleted_by_id"],
        unique=False,
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_comments_newest",
        "comments",
        [sa.literal_column("post_id"), sa.literal_column("created_at DESC")],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_foreign_key(op.f("fk_comments_deleted_by_id"), "comments", "users", ["deleted_by_id"], ["id"])
    op.add_column("posts", sa.Column("deleted_by_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_posts_author_deleted",
        "posts",
        ["author_id", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_posts_deleted_by",
        "posts",
        ["deleted_by_id"],
        unique=False,
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_posts_due",
        "posts",
        ["published_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'scheduled' AND deleted_at IS NULL"),
    )
    op.create_index(
        "ix_posts_drafts",
        "posts",
        [sa.literal_column("author_id"), sa.literal_column("updated_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL AND status = 'draft'"),
    )
    op.create_foreign_key(op.f("fk_posts_deleted_by_id"), "posts", "users", ["deleted_by_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_posts_deleted_by_id"), "posts", type_="foreignkey")
    op.drop_index(
        "ix_posts_drafts",
        table_name="posts",
        postgresql_where=sa.text("deleted_at IS NULL AND status = 'draft'"),
    )
    op.drop_index(
        "ix_posts_due", table_name="posts", postgresql_where=sa.text("status = 'scheduled' AND deleted_at IS NULL")
    )
    op.drop_index("ix_posts_author_deleted", table_name="posts", postgresql_where=sa.text("deleted_at IS NOT NULL"))
    op.drop_index("ix_posts_deleted_by", table_name="posts", postgresql_where=sa.text("deleted_by_id IS NOT NULL"))
    op.drop_column("posts", "deleted_by_id")
    op.drop_constraint(op.f("fk_comments_deleted_by_id"), "comments", type_="foreignkey")
    op.drop_index("ix_comments_newest", table_name="comments", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_index(
        "ix_comments_deleted_by", table_name="comments", postgresql_where=sa.text("deleted_by_id IS NOT NULL")
    )
    op.drop_column("comments", "deleted_by_id")
    op.drop_index("ix_mutes_newest", table_name="mutes")
    op.drop_index("ix_blocks_newest", table_name="blocks")
    op.drop_index("ix_bookmarks_user_saved", table_name="bookmarks")
    op.drop_index("uq_content_edits_post", table_name="content_edits", postgresql_where=sa.text("post_id IS NOT NULL"))
    op.drop_index(
        "uq_content_edits_comment", table_name="content_edits", postgresql_where=sa.text("comment_id IS NOT NULL")
    )
    op.drop_index("ix_content_edits_editor", table_name="content_edits")
    op.drop_table("content_edits")
    op.drop_index("ix_collected_bookmarks_saved", table_name="collected_bookmarks")
    op.drop_index("ix_collected_bookmarks_bookmark", table_name="collected_bookmarks")
    op.drop_table("collected_bookmarks")
    op.drop_index("ix_idempotency_keys_created", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index("uq_bookmark_collections_name", table_name="bookmark_collections")
    op.drop_table("bookmark_collections")
    op.drop_table("bulk_deletions")
    op.drop_table("bulk_effects")
    op.drop_table("bulk_chunks")
    op.drop_table("bulks")
    op.drop_table("post_views")
    op.drop_index("ix_jobs_due", table_name="jobs", postgresql_where=sa.text("state IN ('waiting', 'running')"))
    op.drop_table("jobs")
    op.drop_table("change_log_horizon")
    op.drop_index("ix_change_log_xid", table_name="change_log")
    op.drop_index("ix_change_log_author", table_name="change_log", postgresql_where=sa.text("author_id IS NOT NULL"))
    op.drop_table("change_log")
    op.drop_table("audit_streams")
    op.drop_table("audit_keys")
    op.drop_index("ix_audit_events_subject", table_name="audit_events")
    op.drop_table("audit_events")
    op.execute("DROP FUNCTION refuse_to_change_the_audit_trail")
