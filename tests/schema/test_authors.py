"""A post that is shown has an author, also if something happens between the statements of one answer."""

from datetime import UTC, datetime

from graphql import execute
from sqlalchemy import update
from strawberry.execution import optimized_is_awaitable

from feed_service import loaders, models
from feed_service.cache import read_through
from feed_service.commands.transaction import Writer
from feed_service.loaders.batching import Reader
from feed_service.paging import Cursors
from feed_service.schema.context import make_context
from feed_service.viewer import ANONYMOUS
from tests.api import SCHEMA, api_on, document_of, global_id
from tests.world import world_on

POST = "query ($id: ID!) { post(by: { id: $id }) { title author { username bio } } }"
"""A card would come with the post itself; the rest of a user is read after it."""


async def test_an_author_suspended_between_two_statements_is_shown_with_the_post(empty_database_url: str) -> None:
    async with world_on(empty_database_url) as world, api_on(empty_database_url) as api:
        ann = await world.user("ann")
        post = await world.post(ann, "Bread")
        reader = Reader(api.database, read_through.connect("memory://"), ANONYMOUS)
        writer = Writer(api.writing, ANONYMOUS, "test")
        context = make_context(
            reader, Cursors(b"a secret of 32 bytes, for tests."), writer, api.desk, api.views, api.polling
        )
        await context.loaders.load(loaders.posts.by_id, post.id, frozenset[str]())
        async with world.engine.begin() as connection:
            await connection.execute(update(models.User).values(suspended_at=datetime.now(UTC)))
        answer = execute(
            SCHEMA,
            document_of(POST),
            None,
            context,
            {"id": global_id(post)},
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
        )
        result = await answer  # type: ignore[misc]
        assert result.errors is None
        assert result.data == {"post": {"title": "Bread", "author": {"username": "ann", "bio": None}}}
        assert await api(POST, id=global_id(post)) == {"post": None}, "the next answer knows of it"
