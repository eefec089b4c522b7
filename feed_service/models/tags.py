"""Tags, categories, and who follows a tag."""

from sqlalchemy import func, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, BigId, Created, index, reference


class Category(Base):
    __tablename__ = "categories"

    id: Mapped[BigId]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str | None]
    position: Mapped[int] = mapped_column(server_default="0")


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[BigId]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]

    __table_args__ = (
        index(
            "ix_tags_name_prefix",
            func.lower(literal_column("name")).label("lowered"),
            postgresql_ops={"lowered": "text_pattern_ops"},
            serves="search.matching_names",
        ),
        index(
            "ix_tags_name",
            "name",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops"},
            serves="search.matching_names",
        ),
    )


class TagFollow(Base):
    __tablename__ = "tag_follows"

    user_id: Mapped[int] = reference("users.id", primary_key=True)
    tag_id: Mapped[int] = reference("tags.id", primary_key=True)
    created_at: Mapped[Created]

    __table_args__ = (
        index("ix_tag_follows_tag", "tag_id", serves="foreign key"),
        index(
            "ix_tag_follows_user",
            text("user_id"),
            text("created_at DESC"),
            text("tag_id DESC"),
            serves="follows.tags_followed_by",
        ),
    )
