"""The words of `vocabulary` as GraphQL enums, each value described."""

from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from feed_service.viewer import Role
from feed_service.vocabulary import (
    AnalyticsWindow,
    CommentOrder,
    FeedEmptyReason,
    FeedKind,
    PostOrder,
    PublishMode,
    SearchType,
    TimeWindow,
    UserErrorCode,
)

__all__ = [
    "AnalyticsWindow",
    "CannotCommentReason",
    "CannotEditReason",
    "CannotFollowReason",
    "CommentOrder",
    "FeedEmptyReason",
    "FeedKind",
    "PostOrder",
    "PostStatus",
    "PublishMode",
    "Role",
    "SearchType",
    "TimeWindow",
    "UserErrorCode",
]


def described(words: type[Enum], description: str, **values: str) -> None:
    """Make `words` a GraphQL enum. Raises KeyError for a value without a description."""
    strawberry.enum(words, description=description)
    definition: StrawberryEnumDefinition = words.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]


described(
    FeedKind,
    "Which posts a feed is made of.",
    HOME="The viewer's own posts and those of followed people and tags.",
    FOLLOWING_USERS="Posts of followed people only.",
    FOLLOWING_TAGS="Posts with a followed tag only.",
    GLOBAL="Everybody's posts.",
    POPULAR="Everybody's posts by what people do with them.",
    DISCUSSED="Everybody's posts by their comments.",
)
described(
    PostOrder,
    "In which order posts come.",
    NEWEST="Newest first.",
    OLDEST="Oldest first.",
    HOT="By likes, commenters and bookmarks, of which one doubling weighs as much as six hours.",
    TOP="By likes.",
    MOST_COMMENTED="By number of comments.",
    NEWEST_ACTIVITY="By the newest comment, or publication where there is none.",
)
described(
    CommentOrder,
    "In which order comments on the same level come.",
    TOP="By likes.",
    NEWEST="Newest first.",
    OLDEST="Oldest first.",
)
described(
    TimeWindow,
    "How far back to look.",
    HOUR="The last hour.",
    DAY="The last 24 hours.",
    WEEK="The last 7 days.",
    MONTH="The last 30 days.",
    YEAR="The last 365 days.",
    ALL="Without end.",
)
described(
    AnalyticsWindow,
    "Of how many days, until now, numbers are told.",
    DAYS_7="The last 7 times 24 hours.",
    DAYS_30="The last 30 times 24 hours.",
    DAYS_90="The last 90 times 24 hours.",
)
described(
    SearchType,
    "What to search for.",
    POST="Posts, by words in title, tags and text.",
    USER="People, by user name and display name.",
    TAG="Tags, by name.",
)
described(
    FeedEmptyReason,
    "Why a page of a feed has no items.",
    ANONYMOUS="Nobody is signed in, and this feed is made for a viewer.",
    NO_FOLLOWS="The viewer follows nothing that could fill this feed.",
    NO_POSTS="There is nothing to show yet.",
    ALL_FILTERED="There are posts, but the filter lets none of them pass.",
    END_OF_FEED="The feed has items, but none in the part that was asked for.",
)

described(
    PublishMode,
    "When a post is published.",
    NOW="At once.",
    DRAFT="Not yet; its author alone sees it.",
    AT="At the time given.",
)
described(
    UserErrorCode,
    "Why a mutation was refused.",
    ALREADY_PUBLISHED="It is published already.",
    BLOCKED="There is a block between the viewer and the other.",
    EMPTY="Something must be written here.",
    FORBIDDEN="The viewer may see it, but not do this.",
    IDEMPOTENCY_MISMATCH="The idempotency key stands for another input already.",
    INVALID="The value breaks a rule.",
    INVALID_CREDENTIALS="The name or the password is wrong.",
    INVALID_TOKEN="The token is not known, used up, or too old.",  # noqa: S106 - a word, no password.
    LOCAL_ACCOUNTS_OFF="Accounts are kept by another provider; sign up and log in there.",
    NOT_DELETED="It is not deleted, or cannot be brought back.",
    NOT_FOUND="There is no such thing, or none the viewer can see.",
    NOT_PUBLISHED="It is not published.",
    SELF="Nobody can do this to themselves.",
    TAKEN="Somebody else has it already.",
    TOO_LATE="It could be done for a time only, which is over.",
    TOO_LONG="The text is too long.",
    TOO_MANY="There are too many.",
    VERSION_CONFLICT="Somebody has edited it meanwhile.",
)


described(
    Role,
    "What somebody may do beside what everybody may.",
    USER="Nothing.",
    MODERATOR="Delete and restore what others wrote, and suspend people.",
    ADMIN="As a moderator, of whom admins stand above; bulks and exports, too.",
)


@strawberry.enum(description="Where a post stands.")
class PostStatus(Enum):
    DRAFT = strawberry.enum_value("DRAFT", description="Seen by its author alone.")
    SCHEDULED = strawberry.enum_value("SCHEDULED", description="Seen by its author alone until its time comes.")
    PUBLISHED = strawberry.enum_value("PUBLISHED", description="Seen by everyone.")


@strawberry.enum(description="Why the viewer cannot follow somebody.")
class CannotFollowReason(Enum):
    SELF = strawberry.enum_value("SELF", description="One does not follow oneself.")
    BLOCKING = strawberry.enum_value("BLOCKING", description="The viewer blocks this person.")
    BLOCKED_BY = strawberry.enum_value("BLOCKED_BY", description="This person blocks the viewer.")


@strawberry.enum(description="Why the viewer cannot edit something.")
class CannotEditReason(Enum):
    NOT_AUTHOR = strawberry.enum_value("NOT_AUTHOR", description="Only its author can.")
    DELETED = strawberry.enum_value("DELETED", description="It is deleted.")


@strawberry.enum(description="Why the viewer cannot comment on a post.")
class CannotCommentReason(Enum):
    NOT_PUBLISHED = strawberry.enum_value("NOT_PUBLISHED", description="The post is a draft or scheduled.")
    DELETED = strawberry.enum_value("DELETED", description="The post is deleted.")
    BLOCKED = strawberry.enum_value("BLOCKED", description="There is a block between the viewer and the author.")
