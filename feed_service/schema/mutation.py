"""Every way to write, by what is written."""

import strawberry

from feed_service.schema.mutations.account_deletion import AccountDeletionMutations
from feed_service.schema.mutations.accounts import AccountMutations
from feed_service.schema.mutations.bookmarks import BookmarkMutations
from feed_service.schema.mutations.comments import CommentMutations
from feed_service.schema.mutations.follows import FollowMutations
from feed_service.schema.mutations.likes import LikeMutations
from feed_service.schema.mutations.posts import PostMutations
from feed_service.schema.mutations.relationships import RelationshipMutations
from feed_service.schema.mutations.views import ViewMutations


@strawberry.type(
    description="Every way to write. Verbs set a state and may be repeated; none of them toggles. Several in one "
    "request are done one after another, each in a transaction of its own: what fails later undoes nothing earlier."
)
class Mutation(
    LikeMutations,
    AccountMutations,
    AccountDeletionMutations,
    PostMutations,
    CommentMutations,
    FollowMutations,
    RelationshipMutations,
    BookmarkMutations,
    ViewMutations,
):
    """One class of `schema.mutations` for each group."""
