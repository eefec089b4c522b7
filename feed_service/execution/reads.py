"""What an operation reads, as far as its fields tell: which of them move by themselves, and which must be noted.

What matters most is noted by the loaders while they load (`loaders.reads`), as only they know the ids. This table says
the rest, field by field, and is complete: a field that is missing in it makes its operation unversioned.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    Node,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from feed_service.bounded import Bounded
from feed_service.loaders.reads import Class, Reads

MAX_KEPT = 1_000


class Kind(StrEnum):
    """How a change of a field is known."""

    NOTED = "noted"
    """By what the loaders noted, its own or those of the object that it stands on."""
    BY_CLOCK = "by clock"
    """Not at all: it is taken for good for 15 seconds."""
    NEVER_DECIDES = "never decides"
    """It tells of the answer itself: when it was made, when to ask again."""
    UNVERSIONED = "unversioned"
    """Not at all: the answer must be made to be compared."""


FIELDS: Mapping[Kind, Mapping[str, str]] = {
    Kind.BY_CLOCK: {
        "PostStats": "viewCount",
        "UserStats": "totalViews",
        "Tag": "trendScore related",
    },
    Kind.NEVER_DECIDES: {
        "PostStats": "asOf",
        "UserStats": "asOf",
        "RankingSnapshot": "asOf expiresAt",
        "FeedHead": "token pollAfterSeconds asOf",
        "FeedChanges": "nextToken pollAfterSeconds",
        "ThreadChanges": "nextToken pollAfterSeconds",
        "CommentConnection": "syncToken",
        "CommentTreeConnection": "syncToken",
    },
    Kind.UNVERSIONED: {
        "Query": "search",
        "SearchConnection": "edges nodes pageInfo isCapped",
        "SearchEdge": "node cursor",
        "Viewer": "email isEmailConfirmed sessions analytics",
        "AuthorAnalytics": "since asOf viewsSince isCapped totals before change byDay byTag byCategory topPosts",
        "Engagement": "postCount likeCount commentCount uniqueCommenterCount viewCount reactionsPerView "
        "newFollowerCount",
        "EngagementChange": "posts likes comments uniqueCommenters views newFollowers",
        "DayEngagement": "since until postCount likeCount commentCount viewCount newFollowerCount",
        "TagEngagement": "tag engagement",
        "CategoryEngagement": "category engagement",
        "PostEngagement": "post engagement",
        "Session": "createdAt refreshedAt expiresAt id isCurrent",
    },
    Kind.NOTED: {
        "Query": "node nodes viewer user post tag categories category feed feedHead feedChanges threadChanges "
        "trendingTags",
        "Node": "id",
        "Likeable": "id likeCount likers viewerHasLiked",
        "Deletable": "id deletedAt viewerCanDelete",
        "Editable": "id version editedAt edits viewerCanEdit viewerCannotEditReasons",
        "User": "id username displayName bio avatarUrl createdAt stats posts followers following followedTags "
        "viewerState",
        "UserStats": "postCount followerCount followingCount receivedLikeCount likesPerPost lastPublishedAt",
        "UserViewerState": "isFollowing followsViewer isBlocking isBlockedBy isMuting isSelf canFollow "
        "cannotFollowReasons",
        "Post": "id likeCount likers viewerHasLiked version editedAt edits viewerCanEdit viewerCannotEditReasons "
        "deletedAt viewerCanDelete slug title language createdAt tags body bodyHtml excerpt status publishedAt "
        "scheduledFor author category stats viewerState commentPreview comments commentTree",
        "PostStats": "likeCount commentCount bookmarkCount uniqueCommenterCount hotKey lastActivityAt",
        "PostViewerState": "hasLiked hasBookmarked bookmarkCollections hasCommented visibleCommentCount canComment "
        "cannotCommentReasons",
        "Comment": "id likeCount likers viewerHasLiked version editedAt edits viewerCanEdit viewerCannotEditReasons "
        "deletedAt viewerCanDelete isTombstone depth createdAt body bodyHtml author post parent replyTo replyCount "
        "descendantCount replies",
        "Tag": "id slug name postCount followerCount posts viewerIsFollowing",
        "Category": "id slug name description",
        "BookmarkCollection": "id name createdAt",
        "Viewer": "drafts scheduled bookmarks bookmarkCollections blockedUsers mutedUsers user role",
        "ContentEdit": "version replacedAt editor title body",
        "LikerConnection": "edges nodes pageInfo",
        "LikerEdge": "node cursor likedAt",
        "PostConnection": "edges nodes pageInfo",
        "PostEdge": "node cursor",
        "ContentEditConnection": "edges nodes pageInfo",
        "ContentEditEdge": "node cursor",
        "CommentConnection": "edges nodes pageInfo",
        "CommentEdge": "node cursor",
        "CommentTreeConnection": "edges nodes pageInfo",
        "CommentTreeEdge": "node cursor depth moreReplies",
        "FollowConnection": "edges nodes pageInfo",
        "FollowEdge": "node cursor followedAt",
        "TagConnection": "edges nodes pageInfo",
        "TagEdge": "node cursor",
        "BookmarkConnection": "edges nodes pageInfo",
        "BookmarkEdge": "node cursor savedAt",
        "UserConnection": "edges nodes pageInfo",
        "UserEdge": "node cursor",
        "FeedConnection": "edges nodes pageInfo head gap emptyReason snapshot count",
        "FeedEdge": "node cursor reason position",
        "FeedHead": "cursor newCount newAuthors resetRequired",
        "FeedGap": "after before missing",
        "FeedChanges": "added updated removedIds hasMore resetRequired",
        "ThreadChanges": "added updated removedIds hasMore resetRequired",
        "RankingSnapshot": "generation restarted",
        "OwnPost": "tags",
        "FollowedAuthor": "author tags",
        "FollowedTags": "tags",
        "TrendingNow": "likeCount",
        "ActiveDiscussion": "lastActivityAt",
        "PublicPost": "publishedAt",
        "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
        "CappedCount": "value isCapped",
    },
}

KINDS = {
    f"{type_}.{field}": kind
    for kind, types in FIELDS.items()
    for type_, fields in types.items()
    for field in fields.split()
}

FEED_FIELDS = {"Query.feed", "Query.feedHead", "Query.feedChanges", "FeedConnection.head", "FeedConnection.gap"}
THREAD_FIELDS = {"Query.threadChanges", "CommentConnection.syncToken", "CommentTreeConnection.syncToken"}
"""Fields that must have noted a feed or a thread, lest what they read was noted nowhere."""


@dataclass(frozen=True, slots=True)
class FieldReads:
    """What the fields of a document say."""

    is_versioned: bool
    by_clock: bool
    needs_feed: bool
    needs_thread: bool

    def complete(self, reads: Reads) -> bool:
        """Add to what the loaders noted; whether changes of the answer will be known."""
        if self.by_clock:
            reads.note(Class.CLOCK)
        missing = (self.needs_feed and not (reads.feeds or reads.rankings)) or (
            self.needs_thread and Class.THREADS not in reads.ids
        )
        return self.is_versioned and reads.is_versioned and not missing and reads.is_noted


class FieldReader:
    """Looks at each document once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept = Bounded[bytes, FieldReads](MAX_KEPT)

    def of(self, text: str, document: DocumentNode) -> FieldReads:
        """`text` is that of `document`, which is valid."""
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        found = self._kept.get(key)
        if found is None:
            found = of_fields(names_in(self._schema, document))
            self._kept.put(key, found)
        return found


def of_fields(names: Iterable[str]) -> FieldReads:
    names = set(names)
    kinds = {KINDS.get(name, Kind.UNVERSIONED) for name in names}
    return FieldReads(
        is_versioned=Kind.UNVERSIONED not in kinds,
        by_clock=Kind.BY_CLOCK in kinds,
        needs_feed=not names.isdisjoint(FEED_FIELDS),
        needs_thread=not names.isdisjoint(THREAD_FIELDS),
    )


def names_in(schema: GraphQLSchema, document: DocumentNode) -> set[str]:
    """Such as `Post.title`; what is asked of an interface stands under its name. `__typename` is not among them."""
    info = TypeInfo(schema)
    fields = Fields(info)
    visit(document, TypeInfoVisitor(info, fields))
    return fields.names


class Fields(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Node) -> None:
        parent = self.info.get_parent_type()
        if parent is not None and node.name.value != "__typename":
            self.names.add(f"{get_named_type(parent).name}.{node.name.value}")
