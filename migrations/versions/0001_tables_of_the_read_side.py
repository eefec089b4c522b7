"""Tables of the read side."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("slug", name=op.f("uq_categories_slug")),
    )
    op.create_table(
        "external_ids",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("local_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "kind", "external_id", name=op.f("pk_external_ids")),
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("slug", name=op.f("uq_tags_slug")),
    )
    op.create_index(
        "ix_tags_name",
        "tags",
        ["name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_tags_name_prefix",
        "tags",
        [sa.literal_column("lower(name)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("bio", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), server_default="user", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('user', 'moderator', 'admin')", name=op.f("ck_users_role")),
        sa.CheckConstraint("username ~ '^[A-Za-z0-9_]{1,40}$'", name=op.f("ck_users_username")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index(
        "ix_users_name_prefix",
        "users",
        [sa.literal_column("lower(display_name)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_index(
        "ix_users_names",
        "users",
        [sa.literal_column("((username || ' '::text) || display_name)").label("names")],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"names": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_users_username_prefix",
        "users",
        [sa.literal_column("lower(username)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_index("uq_users_username", "users", [sa.literal_column("lower(username)")], unique=True)
    op.create_table(
        "blocks",
        sa.Column("blocker_id", sa.BigInteger(), nullable=False),
        sa.Column("blocked_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("blocker_id <> blocked_id", name=op.f("ck_blocks_not_self")),
        sa.ForeignKeyConstraint(["blocked_id"], ["users.id"], name=op.f("fk_blocks_blocked_id")),
        sa.ForeignKeyConstraint(["blocker_id"], ["users.id"], name=op.f("fk_blocks_blocker_id")),
        sa.PrimaryKeyConstraint("blocker_id", "blocked_id", name=op.f("pk_blocks")),
    )
    op.create_index("ix_blocks_blocked", "blocks", ["blocked_id", "blocker_id"], unique=False)
    op.create_table(
        "mutes",
        sa.Column("muter_id", sa.BigInteger(), nullable=False),
        sa.Column("muted_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("muter_id <> muted_id", name=op.f("ck_mutes_not_self")),
        sa.ForeignKeyConstraint(["muted_id"], ["users.id"], name=op.f("fk_mutes_muted_id")),
        sa.ForeignKeyConstraint(["muter_id"], ["users.id"], name=op.f("fk_mutes_muter_id")),
        sa.PrimaryKeyConstraint("muter_id", "muted_id", name=op.f("pk_mutes")),
    )
    op.create_index("ix_mutes_muted", "mutes", ["muted_id"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'infinity'::timestamptz"),
            nullable=False,
        ),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(status = 'draft') = (published_at = 'infinity')", name=op.f("ck_posts_draft_is_never_published")
        ),
        sa.CheckConstraint("status IN ('draft', 'scheduled', 'published')", name=op.f("ck_posts_status")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_posts_author_id")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("fk_posts_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
    )
    op.create_index(
        "ix_posts_author_published",
        "posts",
        [
            sa.literal_column("author_id"),
            sa.literal_column("published_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_posts_category", "posts", ["category_id"], unique=False)
    op.create_index(
        "ix_posts_published",
        "posts",
        [sa.literal_column("published_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_include=["author_id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("uq_posts_slug", "posts", ["slug"], unique=True)
    op.create_table(
        "tag_follows",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_tag_follows_tag_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tag_follows_user_id")),
        sa.PrimaryKeyConstraint("user_id", "tag_id", name=op.f("pk_tag_follows")),
    )
    op.create_index("ix_tag_follows_tag", "tag_follows", ["tag_id"], unique=False)
    op.create_index(
        "ix_tag_follows_user",
        "tag_follows",
        [
            sa.literal_column("user_id"),
            sa.literal_column("created_at DESC"),
            sa.literal_column("tag_id DESC"),
        ],
        unique=False,
    )
    op.create_table(
        "tag_stats",
        sa.Column("tag_id", sa.BigInteger(), nullable=False),
        sa.Column("post_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("follower_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("post_count >= 0 AND follower_count >= 0", name=op.f("ck_tag_stats_not_negative")),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_tag_stats_tag_id")),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_tag_stats")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "user_follows",
        sa.Column("follower_id", sa.BigInteger(), nullable=False),
        sa.Column("followee_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("follower_id <> followee_id", name=op.f("ck_user_follows_not_self")),
        sa.ForeignKeyConstraint(["followee_id"], ["users.id"], name=op.f("fk_user_follows_followee_id")),
        sa.ForeignKeyConstraint(["follower_id"], ["users.id"], name=op.f("fk_user_follows_follower_id")),
        sa.PrimaryKeyConstraint("follower_id", "followee_id", name=op.f("pk_user_follows")),
    )
    op.create_index(
        "ix_user_follows_followers",
        "user_follows",
        [
            sa.literal_column("followee_id"),
            sa.literal_column("created_at DESC"),
            sa.literal_column("follower_id DESC"),
        ],
        unique=False,
    )
    op.create_index(
        "ix_user_follows_following",
        "user_follows",
        [
            sa.literal_column("follower_id"),
            sa.literal_column("created_at DESC"),
            sa.literal_column("followee_id DESC"),
        ],
        unique=False,
    )
    op.create_table(
        "user_stats",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("post_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("follower_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("following_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("received_like_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("view_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("comment_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "post_count >= 0 AND follower_count >= 0 AND following_count >= 0 AND received_like_count >= 0 AND view_count >= 0 AND comment_count >= 0",
            name=op.f("ck_user_stats_not_negative"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_stats_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_stats")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "bookmarks",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_bookmarks_post_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bookmarks_user_id")),
        sa.PrimaryKeyConstraint("user_id", "post_id", name=op.f("pk_bookmarks")),
    )
    op.create_index("ix_bookmarks_post", "bookmarks", ["post_id"], unique=False)
    op.create_table(
        "comments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("reply_to_id", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "octet_length(path) % 16 = 0 AND octet_length(path) BETWEEN 16 AND 1600",
            name=op.f("ck_comments_path"),
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_comments_author_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["comments.id"], name=op.f("fk_comments_parent_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_comments_post_id")),
        sa.ForeignKeyConstraint(["reply_to_id"], ["comments.id"], name=op.f("fk_comments_reply_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index(
        "ix_comments_author",
        "comments",
        [sa.literal_column("author_id"), sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_comments_replies",
        "comments",
        [sa.literal_column("parent_id"), sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_comments_reply_to",
        "comments",
        ["reply_to_id"],
        unique=False,
        postgresql_where=sa.text("reply_to_id IS NOT NULL"),
    )
    op.create_index(
        "ix_comments_roots",
        "comments",
        [sa.literal_column("post_id"), sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index("uq_comments_path", "comments", ["post_id", "path"], unique=True)
    op.create_table(
        "post_commenter",
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("n >= 0", name=op.f("ck_post_commenter_not_negative")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_commenter_post_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_post_commenter_user_id")),
        sa.PrimaryKeyConstraint("post_id", "user_id", name=op.f("pk_post_commenter")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_post_commenter_user", "post_commenter", ["user_id"], unique=False)
    op.create_table(
        "post_likes",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_likes_post_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_post_likes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "post_id", name=op.f("pk_post_likes")),
    )
    op.create_index(
        "ix_post_likes_likers",
        "post_likes",
        [
            sa.literal_column("post_id"),
            sa.literal_column("created_at DESC"),
            sa.literal_column("user_id DESC"),
        ],
        unique=False,
    )
    op.create_table(
        "post_rank",
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("hot_key", sa.Float(precision=53), nullable=False),
        sa.Column("like_count", sa.BigInteger(), nullable=False),
        sa.Column("comment_count", sa.BigInteger(), nullable=False),
        sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_post_rank_author_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_rank_post_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_post_rank")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_post_rank_activity",
        "post_rank",
        [sa.literal_column("last_activity_at DESC"), sa.literal_column("post_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_post_rank_author_likes",
        "post_rank",
        [
            sa.literal_column("author_id"),
            sa.literal_column("like_count DESC"),
            sa.literal_column("post_id DESC"),
        ],
        unique=False,
    )
    op.create_index(
        "ix_post_rank_comments",
        "post_rank",
        [sa.literal_column("comment_count DESC"), sa.literal_column("post_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_post_rank_hot",
        "post_rank",
        [sa.literal_column("hot_key DESC"), sa.literal_column("post_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_post_rank_likes",
        "post_rank",
        [sa.literal_column("like_count DESC"), sa.literal_column("post_id DESC")],
        unique=False,
    )
    op.create_table(
        "post_search",
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_post_search_author_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_search_post_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_post_search")),
    )
    op.create_index("ix_post_search_author", "post_search", ["author_id"], unique=False)
    op.create_index("ix_post_search_document", "post_search", ["document"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_post_search_published",
        "post_search",
        [sa.literal_column("published_at DESC"), sa.literal_column("post_id DESC")],
        unique=False,
    )
    op.create_table(
        "post_stats",
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("like_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("comment_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bookmark_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("view_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commenter_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_comment_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "like_count >= 0 AND comment_count >= 0 AND bookmark_count >= 0 AND view_count >= 0 AND commenter_count >= 0",
            name=op.f("ck_post_stats_not_negative"),
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_stats_post_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_post_stats")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "post_tags",
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_post_tags_author_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_tags_post_id")),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_post_tags_tag_id")),
        sa.PrimaryKeyConstraint("post_id", "tag_id", name=op.f("pk_post_tags")),
    )
    op.create_index("ix_post_tags_author", "post_tags", ["author_id"], unique=False)
    op.create_index(
        "ix_post_tags_published",
        "post_tags",
        [sa.literal_column("published_at DESC")],
        unique=False,
        postgresql_include=["tag_id", "author_id"],
        postgresql_where=sa.text("NOT is_deleted"),
    )
    op.create_index(
        "ix_post_tags_tag_published",
        "post_tags",
        [
            sa.literal_column("tag_id"),
            sa.literal_column("published_at DESC"),
            sa.literal_column("post_id DESC"),
        ],
        unique=False,
        postgresql_include=["author_id"],
        postgresql_where=sa.text("NOT is_deleted"),
    )
    op.create_table(
        "comment_likes",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("comment_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_comment_likes_comment_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_comment_likes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "comment_id", name=op.f("pk_comment_likes")),
    )
    op.create_index(
        "ix_comment_likes_likers",
        "comment_likes",
        [
            sa.literal_column("comment_id"),
            sa.literal_column("created_at DESC"),
            sa.literal_column("user_id DESC"),
        ],
        unique=False,
    )
    op.create_table(
        "comment_rank",
        sa.Column("comment_id", sa.BigInteger(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("like_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_comment_rank_comment_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_comment_rank_post_id")),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_comment_rank")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_comment_rank_replies",
        "comment_rank",
        [
            sa.literal_column("parent_id"),
            sa.literal_column("like_count DESC"),
            sa.literal_column("comment_id DESC"),
        ],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_comment_rank_roots",
        "comment_rank",
        [
            sa.literal_column("post_id"),
            sa.literal_column("like_count DESC"),
            sa.literal_column("comment_id DESC"),
        ],
        unique=False,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_table(
        "comment_stats",
        sa.Column("comment_id", sa.BigInteger(), nullable=False),
        sa.Column("like_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reply_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("descendant_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "like_count >= 0 AND reply_count >= 0 AND descendant_count >= 0",
            name=op.f("ck_comment_stats_not_negative"),
        ),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_comment_stats_comment_id")),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_comment_stats")),
        postgresql_with={"fillfactor": 80},
    )


def downgrade() -> None:
    # The extension stays: it may serve others in this database.
    op.drop_table("comment_stats")
    op.drop_index("ix_comment_rank_roots", table_name="comment_rank", postgresql_where=sa.text("parent_id IS NULL"))
    op.drop_index(
        "ix_comment_rank_replies",
        table_name="comment_rank",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.drop_table("comment_rank")
    op.drop_index("ix_comment_likes_likers", table_name="comment_likes")
    op.drop_table("comment_likes")
    op.drop_index(
        "ix_post_tags_tag_published",
        table_name="post_tags",
        postgresql_include=["author_id"],
        postgresql_where=sa.text("NOT is_deleted"),
    )
    op.drop_index(
        "ix_post_tags_published",
        table_name="post_tags",
        postgresql_include=["tag_id", "author_id"],
        postgresql_where=sa.text("NOT is_deleted"),
    )
    op.drop_index("ix_post_tags_author", table_name="post_tags")
    op.drop_table("post_tags")
    op.drop_table("post_stats")
    op.drop_index("ix_post_search_published", table_name="post_search")
    op.drop_index("ix_post_search_document", table_name="post_search", postgresql_using="gin")
    op.drop_index("ix_post_search_author", table_name="post_search")
    op.drop_table("post_search")
    op.drop_index("ix_post_rank_likes", table_name="post_rank")
    op.drop_index("ix_post_rank_hot", table_name="post_rank")
    op.drop_index("ix_post_rank_comments", table_name="post_rank")
    op.drop_index("ix_post_rank_author_likes", table_name="post_rank")
    op.drop_index("ix_post_rank_activity", table_name="post_rank")
    op.drop_table("post_rank")
    op.drop_index("ix_post_likes_likers", table_name="post_likes")
    op.drop_table("post_likes")
    op.drop_index("ix_post_commenter_user", table_name="post_commenter")
    op.drop_table("post_commenter")
    op.drop_index("uq_comments_path", table_name="comments")
    op.drop_index("ix_comments_roots", table_name="comments", postgresql_where=sa.text("parent_id IS NULL"))
    op.drop_index("ix_comments_reply_to", table_name="comments", postgresql_where=sa.text("reply_to_id IS NOT NULL"))
    op.drop_index("ix_comments_replies", table_name="comments", postgresql_where=sa.text("parent_id IS NOT NULL"))
    op.drop_index("ix_comments_author", table_name="comments")
    op.drop_table("comments")
    op.drop_index("ix_bookmarks_post", table_name="bookmarks")
    op.drop_table("bookmarks")
    op.drop_table("user_stats")
    op.drop_index("ix_user_follows_following", table_name="user_follows")
    op.drop_index("ix_user_follows_followers", table_name="user_follows")
    op.drop_table("user_follows")
    op.drop_table("tag_stats")
    op.drop_index("ix_tag_follows_user", table_name="tag_follows")
    op.drop_index("ix_tag_follows_tag", table_name="tag_follows")
    op.drop_table("tag_follows")
    op.drop_index("uq_posts_slug", table_name="posts")
    op.drop_index(
        "ix_posts_published",
        table_name="posts",
        postgresql_include=["author_id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index("ix_posts_category", table_name="posts")
    op.drop_index("ix_posts_author_published", table_name="posts", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("posts")
    op.drop_index("ix_mutes_muted", table_name="mutes")
    op.drop_table("mutes")
    op.drop_index("ix_blocks_blocked", table_name="blocks")
    op.drop_table("blocks")
    op.drop_index("uq_users_username", table_name="users")
    op.drop_index("ix_users_username_prefix", table_name="users", postgresql_ops={"lowered": "text_pattern_ops"})
    op.drop_index(
        "ix_users_names", table_name="users", postgresql_using="gin", postgresql_ops={"names": "gin_trgm_ops"}
    )
    op.drop_index("ix_users_name_prefix", table_name="users", postgresql_ops={"lowered": "text_pattern_ops"})
    op.drop_table("users")
    op.drop_index("ix_tags_name_prefix", table_name="tags", postgresql_ops={"lowered": "text_pattern_ops"})
    op.drop_index("ix_tags_name", table_name="tags", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"})
    op.drop_table("tags")
    op.drop_table("external_ids")
    op.drop_table("categories")
