"""Posts, the tags on them, likes and bookmarks of them, and the narrow tables that lists are ordered by."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, ForeignKeyConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feed_service.models.base import Base, BigId, Created, index, reference
from feed_service.models.tags import Category, Tag

NEVER = text("'infinity'::timestamptz")


class Post(Base):
    """`published_at` is infinity for a draft and in the future for a scheduled post; it becomes live by the clock.

    `status` says what was asked for: `scheduled` turns into `published` when the publishing job has counted the
    post, some time after it became live.
    """

    __tablename__ = "posts"

    id: Mapped[BigId]
    author_id: Mapped[int] = reference("users.id")
    category_id: Mapped[int | None] = reference("categories.id")
    slug: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    language: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="draft")
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
    published_at: Mapped[datetime] = mapped_column(server_default=NEVER)
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    deleted_by_id: Mapped[int | None] = reference("users.id")
    version: Mapped[int] = mapped_column(server_default="1")

    category: Mapped[Category | None] = relationship(lazy="raise", viewonly=True)
    tags: Mapped[list[Tag]] = relationship(secondary="post_tags", order_by=Tag.slug, lazy="raise", viewonly=True)

    @property
    def tag_ids(self) -> list[int]:
        """Of its tags, in no order."""
        return [tag.id for tag in self.tags]

    __table_args__ = (
        CheckConstraint("status IN ('draft', 'scheduled', 'published')", name="status"),
        CheckConstraint("(status = 'draft') = (published_at = 'infinity')", name="draft_is_never_published"),
        index("uq_posts_slug", "slug", unique=True, serves="posts.by_slugs"),
        index(
            "ix_posts_published",
            text("published_at DESC"),
            text("id DESC"),
            postgresql_include=["author_id"],
            postgresql_where=text("deleted_at IS NULL"),
            serves="feeds.newest_posts",
        ),
        index(
            "ix_posts_author_published",
            text("author_id"),
            text("published_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
            serves="posts.of_authors",
        ),
        index(
            "ix_posts_author_deleted",
            "author_id",
            "id",
            postgresql_where=text("deleted_at IS NOT NULL"),
            serves="foreign key",
        ),
        index(
            "ix_posts_category_published",
            text("category_id"),
            text("published_at DESC"),
            text("id DESC"),
            serves="analytics.posts_of_category",
        ),
        index(
            "ix_posts_drafts",
            text("author_id"),
            text("updated_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL AND status = 'draft'"),
            serves="posts.drafts_of",
        ),
        index(
            "ix_posts_due",
            "published_at",
            "id",
            postgresql_where=text("status = 'scheduled' AND deleted_at IS NULL"),
            serves="posts.due",
        ),
        index(
            "ix_posts_deleted_with_text",
            "deleted_at",
            "id",
            postgresql_where=text("deleted_at IS NOT NULL AND (title <> '' OR body <> '')"),
            serves="forgotten.posts_with_text",
        ),
        index(
            "ix_posts_deleted_by",
            "deleted_by_id",
            postgresql_where=text("deleted_by_id IS NOT NULL"),
            serves="foreign key",
        ),
    )


class PostTag(Base):
    """A tag on a post, with what a tag's feed needs to be read from one index.

    `published_at`, `author_id` and `is_deleted` repeat the post's own; whoever changes them there changes them here.
    """

    __tablename__ = "post_tags"

    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    tag_id: Mapped[int] = reference("tags.id", primary_key=True)
    author_id: Mapped[int] = reference("users.id")
    published_at: Mapped[datetime]
    is_deleted: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        index(
            "ix_post_tags_tag_published",
            text("tag_id"),
            text("published_at DESC"),
            text("post_id DESC"),
            postgresql_include=["author_id"],
            postgresql_where=text("NOT is_deleted"),
            serves="posts.with_tags",
        ),
        index(
            "ix_post_tags_published",
            text("published_at DESC"),
            postgresql_include=["tag_id", "author_id"],
            # Only a statement that says this as well can use it. Others would, for the posts of one tag, where most
            # rows are so new that VACUUM has not seen them, and read those of all other tags.
            postgresql_where=text("NOT is_deleted AND published_at < 'infinity'::timestamptz"),
            serves="tags.trending",
        ),
        index("ix_post_tags_author", "author_id", serves="foreign key"),
    )


class PostLike(Base):
    __tablename__ = "post_likes"

    user_id: Mapped[int] = reference("users.id", primary_key=True)
    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    created_at: Mapped[Created]

    __table_args__ = (
        index(
            "ix_post_likes_likers",
            text("post_id"),
            text("created_at DESC"),
            text("user_id DESC"),
            serves="likes.likers_of_posts",
        ),
    )


class Bookmark(Base):
    __tablename__ = "bookmarks"

    user_id: Mapped[int] = reference("users.id", primary_key=True)
    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    saved_at: Mapped[Created]

    __table_args__ = (
        index("ix_bookmarks_post", "post_id", serves="foreign key"),
        index(
            "ix_bookmarks_user_saved",
            text("user_id"),
            text("saved_at DESC"),
            text("post_id DESC"),
            serves="bookmarks.saved_by",
        ),
    )


class BookmarkCollection(Base):
    """A named shelf of one user's bookmarks; a bookmark may stand on several, or on none."""

    __tablename__ = "bookmark_collections"

    id: Mapped[BigId]
    user_id: Mapped[int] = reference("users.id")
    name: Mapped[str]
    created_at: Mapped[Created]

    __table_args__ = (
        index(
            "uq_bookmark_collections_name",
            text("user_id"),
            text("lower(name)"),
            unique=True,
            serves="bookmarks.collections_of",
        ),
    )


class CollectedBookmark(Base):
    __tablename__ = "collected_bookmarks"

    collection_id: Mapped[int] = reference("bookmark_collections.id", primary_key=True)
    user_id: Mapped[int]
    post_id: Mapped[int] = mapped_column(primary_key=True)
    saved_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "post_id"],
            ["bookmarks.user_id", "bookmarks.post_id"],
            name="fk_collected_bookmarks_bookmark",
            ondelete="CASCADE",
        ),
        index("ix_collected_bookmarks_bookmark", "user_id", "post_id", serves="foreign key"),
        index(
            "ix_collected_bookmarks_saved",
            text("collection_id"),
            text("saved_at DESC"),
            text("post_id DESC"),
            serves="bookmarks.saved_in",
        ),
    )


class PostSearch(Base):
    """The words of a post: title (weight A), tags (B), body (C), unstemmed, so that every language is treated alike."""

    __tablename__ = "post_search"

    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    published_at: Mapped[datetime]
    author_id: Mapped[int] = reference("users.id")
    document: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (
        index("ix_post_search_document", "document", postgresql_using="gin", serves="search.matching_posts"),
        index(
            "ix_post_search_published",
            text("published_at DESC"),
            text("post_id DESC"),
            serves="search.matching_posts",
        ),
        index("ix_post_search_author", "author_id", serves="foreign key"),
    )


class PostRank(Base):
    """The numbers by which lists of posts are ordered: an indexed copy of `post_stats`.

    Every post that is, or by the clock will be, published has a row. `post_stats` itself carries no index
    on a counter, so that a like stays a HOT update there.
    """

    __tablename__ = "post_rank"

    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    author_id: Mapped[int] = reference("users.id")
    hot_key: Mapped[float] = mapped_column(Float(53))
    like_count: Mapped[int]
    comment_count: Mapped[int]
    last_activity_at: Mapped[datetime]

    __table_args__ = (
        index("ix_post_rank_hot", text("hot_key DESC"), text("post_id DESC"), serves="feeds.ranked_posts"),
        index("ix_post_rank_likes", text("like_count DESC"), text("post_id DESC"), serves="feeds.ranked_posts"),
        index(
            "ix_post_rank_comments",
            text("comment_count DESC"),
            text("post_id DESC"),
            serves="feeds.ranked_posts",
        ),
        index(
            "ix_post_rank_activity",
            text("last_activity_at DESC"),
            text("post_id DESC"),
            serves="feeds.ranked_posts",
        ),
        index(
            "ix_post_rank_author_likes",
            text("author_id"),
            text("like_count DESC"),
            text("post_id DESC"),
            serves="posts.of_authors",
        ),
        {"postgresql_with": {"fillfactor": 80}},
    )
