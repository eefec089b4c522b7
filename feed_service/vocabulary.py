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
