"""The composition root: makes the engine, the cache and the schema, and hands them to the routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from starlette.applications import Starlette

from feed_service.accounts import keys, viewers
from feed_service.cache import read_through
from feed_service.database import ReadDatabase
from feed_service.errors import ConfigurationError
from feed_service.execution.documents import Documents
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.site import create_site
from feed_service.loaders.batching import Reader
from feed_service.paging import Cursors
from feed_service.schema.context import Context, make_context
from feed_service.schema.schema import schema
from feed_service.settings import Settings
from feed_service.viewer import Viewer

TOKEN_LIFETIME = timedelta(days=1)
"""Of a token that `feed-service token` prints for trying."""


def create_app(settings: Settings | None = None) -> Starlette:
    """The service on `settings.database_url`; uvicorn calls it without settings in each of its workers."""
    settings = settings or Settings.from_environment()
    if settings.database_url is None:
        raise ConfigurationError(
            "The application needs DATABASE_URL; `feed-service serve` starts a database by itself."
        )
    database = ReadDatabase.connect(settings.database_url)
    cache = read_through.connect(settings.cache_url)
    signing = signing_keys(settings)

    def context_of(viewer: Viewer) -> Context:
        return make_context(Reader(database, cache, viewer), Cursors(signing.cursor))

    async def viewer_of(token: str) -> Viewer:
        return await viewers.viewer_of(signing, database, token)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await cache.close()
        await database.close()

    core = schema._schema  # noqa: SLF001 - Strawberry has no public name for the graphql-core schema it builds.
    endpoint = GraphQLEndpoint(core, Documents(core), viewer_of, context_of)
    return create_site(endpoint, database.is_current, lifespan)


def signing_keys(settings: Settings) -> keys.SigningKeys:
    """Raises ConfigurationError for keys that cannot be used."""
    return keys.load_or_create(
        settings.data_dir / "keys", token_pem=settings.token_key, cursor_secret=settings.cursor_secret
    )
