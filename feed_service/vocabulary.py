"""The words that clients choose from and every floor understands."""

from datetime import timedelta
from enum import Enum, StrEnum


class FeedKind(StrEnum):
    HOME = "HOME"
    FOLLOWING_USERS = "FOLLOWING_USERS"
    FOLLOWING_TAGS = "FOLLOWING_TAGS"
    GLOBAL = "GLOBAL"
    POPULAR = "POPULAR"
    DISCUSSED = "DISCUSSED"


class PostOrder(StrEnum):
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    HOT = "HOT"
    TOP = "TOP"
    MOST_COMMENTED = "MOST_COMMENTED"
    NEWEST_ACTIVITY = "NEWEST_ACTIVITY"


class CommentOrder(StrEnum):
    TOP = "TOP"
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


class TimeWindow(Enum):
    """How far back a list looks; None is without end."""

    HOUR = timedelta(hours=1)
    DAY = timedelta(days=1)
    WEEK = timedelta(weeks=1)
    MONTH = timedelta(days=30)
    YEAR = timedelta(days=365)
    ALL = None


class AnalyticsWindow(Enum):
    """How many days numbers are told of."""

    DAYS_7 = timedelta(days=7)
    DAYS_30 = timedelta(days=30)
    DAYS_90 = timedelta(days=90)


class SearchType(StrEnum):
    POST = "POST"
    USER = "USER"
    TAG = "TAG"


class FeedEmptyReason(StrEnum):
    ANONYMOUS = "ANONYMOUS"
    NO_FOLLOWS = "NO_FOLLOWS"
    NO_POSTS = "NO_POSTS"
    ALL_FILTERED = "ALL_FILTERED"
    END_OF_FEED = "END_OF_FEED"


class PublishMode(StrEnum):
    NOW = "NOW"
    DRAFT = "DRAFT"
    AT = "AT"


class UserErrorCode(StrEnum):
    """Why a mutation was refused, in a word that a client's program can act on."""

    ALREADY_PUBLISHED = "ALREADY_PUBLISHED"
    BLOCKED = "BLOCKED"
    EMPTY = "EMPTY"
    FORBIDDEN = "FORBIDDEN"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    INVALID = "INVALID"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105 - a word, no password.
    LOCAL_ACCOUNTS_OFF = "LOCAL_ACCOUNTS_OFF"
    NOT_DELETED = "NOT_DELETED"
    NOT_FOUND = "NOT_FOUND"
    NOT_PUBLISHED = "NOT_PUBLISHED"
    SELF = "SELF"
    TAKEN = "TAKEN"
    TOO_LATE = "TOO_LATE"
    TOO_LONG = "TOO_LONG"
    TOO_MANY = "TOO_MANY"
    VERSION_CONFLICT = "VERSION_CONFLICT"
