"""Tables. Always written `models.Post`, so that a reader never confuses a row with a GraphQL type."""

from feed_service.models.base import Base
from feed_service.models.comments import Comment, CommentLike, CommentRank, child_path
from feed_service.models.external import ExternalId
from feed_service.models.posts import Bookmark, Post, PostLike, PostRank, PostSearch, PostTag
from feed_service.models.stats import CommentStats, PostCommenter, PostStats, TagStats, UserStats
from feed_service.models.tags import Category, Tag, TagFollow
from feed_service.models.users import Block, Mute, User, UserFollow

__all__ = [
    "Base",
    "Block",
    "Bookmark",
    "Category",
    "Comment",
    "CommentLike",
    "CommentRank",
    "CommentStats",
    "ExternalId",
    "Mute",
    "Post",
    "PostCommenter",
    "PostLike",
    "PostRank",
    "PostSearch",
    "PostStats",
    "PostTag",
    "Tag",
    "TagFollow",
    "TagStats",
    "User",
    "UserFollow",
    "UserStats",
    "child_path",
]
