"""Every way to read, on one screen."""

from datetime import timedelta
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.commands.permissions import signed_in
from feed_service.errors import BadUserInput
from feed_service.schema import nodes as by_global_id
from feed_service.schema.analytics import ToldToViewer
from feed_service.schema.bookmarks import SavedByViewer
from feed_service.schema.connections import After, Before, First, Last
from feed_service.schema.context import Info
from feed_service.schema.enums import FeedKind, PostOrder, Role, SearchType, TimeWindow
from feed_service.schema.feed_changes import FeedChanges, FeedChangesRow, feed_changes, feed_head
from feed_service.schema.feed_filters import FeedFilter, feed_of
from feed_service.schema.feeds import FeedConnection, FeedRow, feed_page
from feed_service.schema.ids import decode_as
from feed_service.schema.interfaces import Node
from feed_service.schema.loading import tags_by_ids
from feed_service.schema.parts import post_parts
from feed_service.schema.polling import FeedHead, FirstChanges, HeadRow
from feed_service.schema.posts import Post
from feed_service.schema.relationships import KeptAwayByViewer
from feed_service.schema.scalars import SyncToken
from feed_service.schema.search import SearchConnection, SearchRow, search
from feed_service.schema.sessions import Session
from feed_service.schema.tags import Category, Tag
from feed_service.schema.threads import ThreadChanges, ThreadChangesRow, thread_changes
from feed_service.schema.unpublished import WrittenByViewer
from feed_service.schema.users import User

MAX_TRENDING = 50
LONGEST_TREND = timedelta(days=30)

NodeId = Annotated[strawberry.ID, strawberry.argument(description="The global id.")]
Kind = Annotated[FeedKind, strawberry.argument(description="Which posts.")]
OnlyThose = Annotated[FeedFilter | None, strawberry.argument(description="Which of them only.")]
Since = Annotated[SyncToken, strawberry.argument(description="What the client has seen: its newest token.")]
Slug = Annotated[str, strawberry.argument(description="The slug.")]


@strawberry.input(one_of=True, description="What a user is called by: one of these.")
class UserBy:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    username: str | None = strawberry.field(
        default=strawberry.UNSET, description="The user name, in upper or lower case."
    )


@strawberry.input(one_of=True, description="What a post is called by: one of these.")
class PostBy:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    slug: str | None = strawberry.field(default=strawberry.UNSET, description="The slug.")


@strawberry.type(description="The one who is signed in.")
class Viewer(WrittenByViewer, SavedByViewer, KeptAwayByViewer, ToldToViewer):
    user: User = strawberry.field(description="The viewer as everyone sees them.")

    @strawberry.field(description="What the viewer may do beside what everybody may.")
    def role(self, info: Info) -> Role:
        return info.context.viewer.role

    @strawberry.field(description="The viewer's e-mail address; null if there is none here.")
    async def email(self, info: Info) -> str | None:
        account = await info.context.loaders.load(loaders.accounts.email_by_user_id, signed_in(info.context.viewer))
        return None if account is None else account.email

    @strawberry.field(description="Whether the viewer has confirmed the address, and can log in by it.")
    async def is_email_confirmed(self, info: Info) -> bool:
        account = await info.context.loaders.load(loaders.accounts.email_by_user_id, signed_in(info.context.viewer))
        return account is not None and account.email_confirmed_at is not None

    @strawberry.field(graphql_type=list[Session], description="Where the viewer is signed in, newest first; up to 100.")
    async def sessions(self, info: Info) -> list[models.Session]:
        return await info.context.loaders.load(loaders.accounts.sessions_by_user_id, signed_in(info.context.viewer))


@strawberry.type(description="Every way to read.")
class Query:
    @strawberry.field(graphql_type=Node | None, description="Anything by its id; null if there is none to be seen.")
    async def node(self, info: Info, id: NodeId) -> Any:  # noqa: A002, ANN401 - the name that Relay asks for; a row.
        return await by_global_id.node(info, id)

    @strawberry.field(graphql_type=list[Node | None], description="Up to 100 things by their ids, in their order.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="The global ids.")]
    ) -> list[Any]:
        return await by_global_id.nodes(info, ids)

    @strawberry.field(graphql_type=Viewer | None, description="The one who is signed in; null for nobody.")
    async def viewer(self, info: Info) -> Viewer | None:
        if info.context.viewer.user_id is None:
            return None
        user: Any = await info.context.loaders.load(loaders.users.by_id, info.context.viewer.user_id)
        return Viewer(user=user)

    @strawberry.field(graphql_type=User | None, description="A user; null if there is none to be seen.")
    async def user(
        self, info: Info, by: Annotated[UserBy, strawberry.argument(description="Which one.")]
    ) -> models.User | None:
        if isinstance(by.id, str):
            return await info.context.loaders.load(loaders.users.by_id, decode_as("User", by.id))
        return await info.context.loaders.load(loaders.users.by_username, (by.username or "").lower())

    @strawberry.field(graphql_type=Post | None, description="A post; null if there is none to be seen.")
    async def post(
        self, info: Info, by: Annotated[PostBy, strawberry.argument(description="Which one.")]
    ) -> models.Post | None:
        parts = post_parts(info)
        if isinstance(by.id, str):
            return await info.context.loaders.load(loaders.posts.by_id, decode_as("Post", by.id), parts)
        return await info.context.loaders.load(loaders.posts.by_slug, by.slug or "", parts)

    @strawberry.field(graphql_type=Tag | None, description="A tag; null if there is none.")
    async def tag(self, info: Info, slug: Slug) -> models.Tag | None:
        return await info.context.loaders.load(loaders.tags.by_slug, slug)

    @strawberry.field(graphql_type=list[Category], description="The sections of the site, in their order.")
    async def categories(self, info: Info) -> list[models.Category]:
        return await info.context.loaders.load(loaders.tags.all_categories, True)

    @strawberry.field(graphql_type=Category | None, description="A section of the site; null if there is none.")
    async def category(self, info: Info, slug: Slug) -> models.Category | None:
        return await info.context.loaders.load(loaders.tags.category_by_slug, slug)

    @strawberry.field(
        graphql_type=FeedConnection,
        description="A feed. HOME, FOLLOWING_USERS, FOLLOWING_TAGS and GLOBAL come in the orders NEWEST (their own) "
        "and OLDEST, and in HOT and TOP among the newest 2,000 posts of a window up to WEEK; POPULAR in HOT (its own) "
        "and TOP; DISCUSSED in NEWEST_ACTIVITY (its own) and MOST_COMMENTED.",
    )
    async def feed(
        self,
        info: Info,
        kind: Kind,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        order: Annotated[
            PostOrder | None, strawberry.argument(description="In which order; the kind's own if left out.")
        ] = strawberry.UNSET,
        filter: OnlyThose = strawberry.UNSET,  # noqa: A002 - the name that clients expect.
    ) -> FeedRow:
        return await feed_page(info, feed_of(kind, order, filter), first, after, last, before)

    @strawberry.field(
        graphql_type=FeedHead,
        description="How much is new in a feed since a client asked last, without taking it, as feedChanges does. Of a "
        "ranked feed it tells only whether there is a newer ranking.",
    )
    async def feed_head(
        self,
        info: Info,
        kind: Kind,
        since: Annotated[
            SyncToken | None,
            strawberry.argument(description="What the client has: `head { token }` of its page, or a `nextToken`."),
        ] = strawberry.UNSET,
        filter: OnlyThose = strawberry.UNSET,  # noqa: A002 - the name that clients expect.
    ) -> HeadRow:
        return await feed_head(info, kind, since, filter)

    @strawberry.field(graphql_type=FeedChanges, description="What has changed in a feed since a client asked last.")
    async def feed_changes(
        self,
        info: Info,
        kind: Kind,
        since: Since,
        first: FirstChanges = 50,
        filter: OnlyThose = strawberry.UNSET,  # noqa: A002 - as above.
    ) -> FeedChangesRow:
        return await feed_changes(info, kind, since, first, filter)

    @strawberry.field(
        graphql_type=ThreadChanges, description="What has changed in the comments on a post since a client asked last."
    )
    async def thread_changes(
        self,
        info: Info,
        post_id: Annotated[strawberry.ID, strawberry.argument(description="The id of the post.")],
        since: Since,
        first: FirstChanges = 50,
    ) -> ThreadChangesRow:
        return await thread_changes(info, post_id, since, first)

    @strawberry.field(graphql_type=list[Tag], description="Tags that more people use than before, most rising first.")
    async def trending_tags(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 50.")] = 10,
        window: Annotated[TimeWindow, strawberry.argument(description="HOUR, DAY, WEEK or MONTH.")] = TimeWindow.DAY,
    ) -> list[models.Tag]:
        if not 1 <= first <= MAX_TRENDING:
            raise BadUserInput(f"first must be between 1 and {MAX_TRENDING}.")
        if window.value is None or window.value > LONGEST_TREND:
            raise BadUserInput("Trends are known for the windows HOUR, DAY, WEEK and MONTH.")
        ids = await info.context.loaders.load(loaders.tags.trending_ids, window.value)
        (found,) = await tags_by_ids(info, [ids[:first]])
        return found

    @strawberry.field(
        graphql_type=SearchConnection,
        description="Posts by their words, people and tags by their names, most relevant first.",
    )
    async def search(
        self,
        info: Info,
        query: Annotated[
            str,
            strawberry.argument(description='1 to 200 characters; for posts "a phrase", or and -without are known.'),
        ],
        types: Annotated[
            list[SearchType] | None, strawberry.argument(description="What to search for; everything if left out.")
        ] = strawberry.UNSET,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> SearchRow:
        return await search(info, query, types, first, after, last, before)
