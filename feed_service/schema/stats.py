"""The public numbers of posts and users."""

from datetime import datetime

import strawberry

AS_OF = "When these numbers were read."


@strawberry.type(description="What people did with a post.")
class PostStats:
    like_count: int = strawberry.field(description="People who like it.")
    comment_count: int = strawberry.field(description="Comments in its thread, on every level.")
    bookmark_count: int = strawberry.field(description="People who keep it among their bookmarks.")
    view_count: int = strawberry.field(description="Views, each viewer counted once an hour.")
    unique_commenter_count: int = strawberry.field(description="People with at least one comment under it.")
    hot_key: float = strawberry.field(
        description="The order HOT: log2(1 + likes + 2 commenters + 3 bookmarks) + hours since 1970 / 6."
    )
    last_activity_at: datetime = strawberry.field(description="When it was last commented on, or published.")
    as_of: datetime = strawberry.field(description=AS_OF)


@strawberry.type(description="What a user did, and what others did with it.")
class UserStats:
    post_count: int = strawberry.field(description="Published posts.")
    follower_count: int = strawberry.field(description="People who follow this user.")
    following_count: int = strawberry.field(description="People whom this user follows.")
    received_like_count: int = strawberry.field(description="Likes of this user's posts.")
    total_views: int = strawberry.field(description="Views of this user's posts.")
    likes_per_post: float = strawberry.field(description="Received likes over posts; 0 without posts.")
    last_published_at: datetime | None = strawberry.field(description="When the newest post was published.")
    as_of: datetime = strawberry.field(description=AS_OF)
