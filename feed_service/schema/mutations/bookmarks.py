"""Mutations of bookmarks and of the collections they stand on."""

from typing import Annotated

import strawberry

from feed_service import loaders, models
from feed_service.commands import bookmark_collections, bookmarks
from feed_service.schema.bookmarks import BookmarkCollection
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as
from feed_service.schema.lazy import LazyPost
from feed_service.schema.payloads import MutationPayload, Of, Outcome, performed, performed_on

PostId = Annotated[strawberry.ID, strawberry.argument(description="The id of a post.")]
CollectionId = Annotated[strawberry.ID, strawberry.argument(description="The id of one of the viewer's collections.")]
NAME = "1 to 80 characters on one line, which none of the viewer's other collections is called."


@strawberry.input(description="What to save, and where.")
class BookmarkInput:
    subject_id: strawberry.ID = strawberry.field(description="The id of a post.")
    collection_ids: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="The collections it shall stand on, up to 20, and on no others; if left out, it stays where it is.",
    )


@strawberry.input(description="A new collection.")
class CreateBookmarkCollectionInput:
    name: str = strawberry.field(description=NAME)


@strawberry.input(description="A new name for a collection.")
class RenameBookmarkCollectionInput:
    id: strawberry.ID = strawberry.field(description="The id of one of the viewer's collections.")
    name: str = strawberry.field(description=NAME)


@strawberry.type(description="What `bookmark` and `unbookmark` answer.")
class BookmarkPayload(MutationPayload):
    @strawberry.field(graphql_type=LazyPost | None, description="The post, as it is now.")
    async def post(outcome: strawberry.Parent[Outcome], info: Info) -> models.Post | None:
        if outcome.made is None:
            return None
        return await info.context.loaders.load(loaders.posts.by_id, outcome.made)


@strawberry.type(description="What `createBookmarkCollection` and `renameBookmarkCollection` answer.")
class BookmarkCollectionPayload(MutationPayload):
    @strawberry.field(graphql_type=BookmarkCollection | None, description="The collection, as it is now.")
    async def collection(outcome: strawberry.Parent[Outcome], info: Info) -> models.BookmarkCollection | None:
        if outcome.made is None:
            return None
        return await info.context.loaders.load(loaders.bookmarks.collection_by_id, outcome.made)


@strawberry.type(description="What `deleteBookmarkCollection` answers.")
class DeleteBookmarkCollectionPayload(MutationPayload):
    @strawberry.field(description="The id of the collection that is gone.")
    def deleted_id(outcome: strawberry.Parent[Outcome]) -> strawberry.ID | None:
        return outcome.made  # type: ignore[no-any-return]


@strawberry.type
class BookmarkMutations:
    @strawberry.mutation(
        graphql_type=BookmarkPayload, description="Save a post, or say on which collections a saved one stands."
    )
    async def bookmark(self, info: Info, input: Of[BookmarkInput]) -> Outcome:  # noqa: A002
        post_id = decode_as("Post", input.subject_id)
        ids = input.collection_ids
        collections = None if ids is None else [decode_as("BookmarkCollection", one) for one in ids]
        return await performed_on(info, post_id, bookmarks.bookmark_post, post_id, collections)

    @strawberry.mutation(graphql_type=BookmarkPayload, description="Save a post no more; it leaves all collections.")
    async def unbookmark(self, info: Info, subject_id: PostId) -> Outcome:
        post_id = decode_as("Post", subject_id)
        return await performed_on(info, post_id, bookmarks.unbookmark_post, post_id)

    @strawberry.mutation(
        graphql_type=BookmarkCollectionPayload,
        description="Make a collection, of which a user has up to 100. If there is one of this very name, that is it.",
    )
    async def create_bookmark_collection(
        self,
        info: Info,
        input: Of[CreateBookmarkCollectionInput],  # noqa: A002
    ) -> Outcome:
        return await performed(info, bookmark_collections.create_collection, input.name)

    @strawberry.mutation(graphql_type=BookmarkCollectionPayload, description="Call a collection otherwise.")
    async def rename_bookmark_collection(
        self,
        info: Info,
        input: Of[RenameBookmarkCollectionInput],  # noqa: A002
    ) -> Outcome:
        collection_id = decode_as("BookmarkCollection", input.id)
        return await performed_on(
            info, collection_id, bookmark_collections.rename_collection, collection_id, input.name
        )

    @strawberry.mutation(
        graphql_type=DeleteBookmarkCollectionPayload, description="Delete a collection; its bookmarks stay saved."
    )
    async def delete_bookmark_collection(self, info: Info, id: CollectionId) -> Outcome:  # noqa: A002
        collection_id = decode_as("BookmarkCollection", id)
        return await performed_on(info, id, bookmark_collections.delete_collection, collection_id)
