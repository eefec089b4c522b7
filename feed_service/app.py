"""The composition root: makes the engine, the cache and the schema, and hands them to the routes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module as made_later

from starlette.applications import Starlette

from feed_service.accounts import keys, mail
from feed_service.accounts.desk import Desk
from feed_service.accounts.passwords import Passwords
from feed_service.accounts.provider import Provider
from feed_service.accounts.viewers import LiveAccounts
from feed_service.cache.read_through import ReadThrough
from feed_service.commands import external
from feed_service.commands.transaction import Writer
from feed_service.errors import ConfigurationError
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.execution.reads import FieldReader
from feed_service.execution.unchanged import Versions
from feed_service.http import admin, bulk, exports, trusted
from feed_service.http import metrics as metrics_page
from feed_service.http.answers import Answers
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.persisted import PersistedDocuments
from feed_service.http.shared import TextsInCache, VersionsInCache
from feed_service.http.site import create_site
from feed_service.http.validators import ETags
from feed_service.loaders.batching import Reader
from feed_service.loaders.reads import Reads
from feed_service.operations.server import is_ready
from feed_service.paging import Cursors
from feed_service.polling.interests import Interests
from feed_service.polling.load import Load
from feed_service.polling.parts import Polling
from feed_service.polling.tokens import SyncTokens
from feed_service.resources import Resources
from feed_service.schema.context import Context, is_recent, make_context
from feed_service.schema.schema import schema
from feed_service.settings import Settings
from feed_service.stopping import Stopping
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder


def create_app(
    settings: Settings | None = None, started: Callable[[], None] | None = None, stopping: Stopping | None = None
) -> Starlette:
    """The service on `settings.database_url`; uvicorn calls it without settings in each of its workers.

    `started` is called when all is there and no request has come.
    """
    settings = settings or Settings.from_environment()
    if settings.database_url is None:
        raise ConfigurationError(
            "The application needs DATABASE_URL; `feed-service serve` starts a database by itself."
        )
    stopping = stopping or Stopping()
    held = Resources.of(settings.database_url, settings)
    signing = signing_keys(settings)
    cursors = Cursors(signing.cursor)
    desk = desk_of(settings, signing)
    provider = Provider.at(settings.provider) if settings.provider else None
    interests = Interests(held.database, held.tail)
    polling = Polling(held.tail, interests, SyncTokens(signing.cursor), Load())

    def context_of(viewer: Viewer, request_id: str) -> Context:
        reader = Reader(held.database, held.cache, viewer, held.generations, entities=held.entities)
        writer = Writer(held.writing, viewer, request_id, held.cache)
        return make_context(reader, cursors, writer, desk, held.views, polling)

    viewer_of = partial(external.viewer_of, signing, provider, LiveAccounts(held.database), held.writing)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Stopping]]:
        async with held.open(answers.versions.remembering(), stopping):
            if started:
                started()
            yield {"stopping": stopping}
            await desk.close()

    core = schema._schema  # noqa: SLF001 - Strawberry has no public name for the graphql-core schema it builds.
    documents, plans = Documents(core), Plans(core) if settings.is_compiled else None
    shared = None if settings.cache_url.startswith("memory:") else held.cache
    answers = answers_of(held, interests, FieldReader(core), signing, shared)
    endpoint = GraphQLEndpoint(
        Execution(
            core,
            plans,
            held.metrics.operations,
            held.metrics.meters,
            is_development=settings.seeing.is_development,
        ),
        documents,
        viewer_of,
        context_of,
        persisted=persisted_documents(settings, documents, TextsInCache(shared) if shared else None),
        answers=answers,
        is_recent=partial(is_recent, cursors),
        meters=held.metrics.meters,
    )
    further = [
        *exports.routes(viewer_of, held.exporting),
        *bulk.routes(viewer_of, held.database, held.writing, held.exporting),
        *metrics_page.routes(held.metrics_text),
        *admin.routes(lambda: made_later("feed_service.admin").admin_endpoint(held, viewer_of, signing.cursor, desk)),
    ]
    return create_site(endpoint, partial(is_ready, held.database), lifespan, further, stopping)


def answers_of(
    held: Resources, interests: Interests, fields: FieldReader, signing: keys.SigningKeys, shared: ReadThrough | None
) -> Answers:
    """`shared`: a cache that other processes have as well."""

    async def ranking(_kind: FeedKind, order: PostOrder) -> int:
        return (await held.generations.current(order, held.database, held.cache)).id

    versions = Versions(held.tail, interests, ranking)
    return Answers(versions, fields, ETags(signing.cursor), reads_of, VersionsInCache(shared) if shared else None)


def reads_of(context: object) -> Reads:
    """What the loaders of a request have noted."""
    assert isinstance(context, Context)  # noqa: S101 - `context_of` has made it.
    return context.loaders.reader.reads


def persisted_documents(
    settings: Settings, documents: Documents, shared: TextsInCache | None = None
) -> PersistedDocuments:
    """Raises ConfigurationError."""
    if settings.only_trusted and not settings.trusted_documents:
        raise ConfigurationError("FEED_ONLY_TRUSTED needs FEED_TRUSTED_DOCUMENTS: without, nothing would be answered.")
    known = trusted.load(settings.trusted_documents, documents)
    return PersistedDocuments(known, only_trusted=settings.only_trusted, shared=shared)


def desk_of(settings: Settings, signing: keys.SigningKeys) -> Desk:
    """Raises ConfigurationError."""
    outbox = mail.Outbox(mail.send_by(settings.mail_url, settings.mail_from))
    return Desk(signing, Passwords(), outbox, settings.public_url, is_local=settings.provider is None)


def signing_keys(settings: Settings) -> keys.SigningKeys:
    """Raises ConfigurationError for keys that cannot be used."""
    return keys.load_or_create(
        settings.data_dir / "keys", token_pem=settings.token_key, cursor_secret=settings.cursor_secret
    )
