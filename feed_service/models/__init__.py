"""Tables. Always written `models.Post`, so that a reader never confuses a row with a GraphQL type."""

from feed_service.models.accounts import (
    Account,
    AttemptCount,
    ExternalIdentity,
    MailedToken,
    RefreshToken,
    Session,
)
from feed_service.models.audit import AuditEvent, AuditKey, AuditStream
from feed_service.models.base import Base
from feed_service.models.bulk import Bulk, BulkChunk, BulkDeletion, BulkEffect
from feed_service.models.changes import ChangeLog, ChangeLogHorizon, FeedEpoch
from feed_service.models.comments import Comment, CommentLike, CommentRank, child_path
from feed_service.models.external import ExternalId
from feed_service.models.jobs import Job
from feed_service.models.observations import Observation
from feed_service.models.posts import (
    Bookmark,
    BookmarkCollection,
    CollectedBookmark,
    Post,
    PostLike,
    PostRank,
    PostSearch,
    PostTag,
)
from feed_service.models.stats import CommentStats, PostCommenter, PostStats, TagStats, UserStats
from feed_service.models.tags import Category, Tag, TagFollow
from feed_service.models.users import Block, Mute, User, UserFollow
from feed_service.models.views import ViewHorizon
from feed_service.models.writing import ContentEdit, IdempotencyKey, PostView

__all__ = [
    "Account",
    "AttemptCount",
    "AuditEvent",
    "AuditKey",
    "AuditStream",
    "Base",
    "Block",
    "Bookmark",
    "BookmarkCollection",
    "Bulk",
    "BulkChunk",
    "BulkDeletion",
    "BulkEffect",
    "Category",
    "ChangeLog",
    "ChangeLogHorizon",
    "CollectedBookmark",
    "Comment",
    "CommentLike",
    "CommentRank",
    "CommentStats",
    "ContentEdit",
    "ExternalId",
    "ExternalIdentity",
    "FeedEpoch",
    "IdempotencyKey",
    "Job",
    "MailedToken",
    "Mute",
    "Observation",
    "Post",
    "PostCommenter",
    "PostLike",
    "PostRank",
    "PostSearch",
    "PostStats",
    "PostTag",
    "PostView",
    "RefreshToken",
    "Session",
    "Tag",
    "TagFollow",
    "TagStats",
    "User",
    "UserFollow",
    "UserStats",
    "ViewHorizon",
    "child_path",
]
