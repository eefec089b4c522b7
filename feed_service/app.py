"""The composition root: makes the engine, the cache and the schema, and hands them to the routes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from feed_service.accounts import keys, mail
from feed_service.accounts.desk import Desk
from feed_service.accounts.passwords import Passwords
from feed_service.accounts.provider import Provider
from feed_service.accounts.viewers import LiveAccounts
from feed_service.cache import read_through
from feed_service.commands import external
from feed_service.commands.transaction import Writer
from feed_service.commands.views import Views
from feed_service.database import ReadDatabase
from feed_service.errors import ConfigurationError
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.execution.reads import FieldReader
from feed_service.execution.unchanged import Versions
from feed_service.exports.stream import ExportDatabase
from feed_service.http import bulk, exports, trusted
from feed_service.http import metrics as metrics_page
from feed_service.http.answers import Answers
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.persisted import PersistedDocuments
from feed_service.http.shared import TextsInCache, VersionsInCache
from feed_service.http.site import create_site
from feed_service.http.validators import ETags
from feed_service.jobs import views, worker
from feed_service.loaders.batching import Reader
from feed_service.loaders.entities import Entities
from feed_service.loaders.generations import Generations
from feed_service.loaders.reads import Reads
from feed_service.loaders.warming import warming
from feed_service.observability import Metrics
from feed_service.paging import Cursors
from feed_service.polling import epochs
from feed_service.polling.interests import Interests
from feed_service.polling.load import Load
from feed_service.polling.parts import Polling
from feed_service.polling.tail import Tail
from feed_service.polling.tokens import SyncTokens
from feed_service.schema.context import Context, is_recent, make_context
from feed_service.schema.schema import schema
from feed_service.settings import Settings
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import FeedKind, PostOrder


def create_app(settings: Settings | None = None, started: Callable[[], None] | None = None) -> Starlette:
    """The service on `settings.database_url`; uvicorn calls it without settings in each of its workers.

    `started` is called when all is there and no request has come.
    """
    settings = settings or Settings.from_environment()
    if settings.database_url is None:
        raise ConfigurationError(
            "The application needs DATABASE_URL; `feed-service serve` starts a database by itself."
        )
    url = settings.database_url
    database, writing, exporting = ReadDatabase.connect(url), WriteDatabase.connect(url), ExportDatabase.connect(url)
    metrics, generations = Metrics(), Generations()
    cache = read_through.connect(settings.cache_url, metrics)
    signing, taken = signing_keys(settings), Views()
    cursors = Cursors(signing.cursor)
    desk = desk_of(settings, signing)
    provider = Provider.at(settings.provider) if settings.provider else None

    tail = Tail(database, partial(epochs.renew, writing))
    interests = Interests(database, tail)
    entities = Entities(tail if settings.keeps_entities else None)
    metrics.entities.tallies = {kind: kept.tally for kind, kept in entities.by_kind.items()}
    polling = Polling(tail, interests, SyncTokens(signing.cursor), Load())

    def context_of(viewer: Viewer, request_id: str) -> Context:
        reader = Reader(database, cache, viewer, generations, entities=entities)
        writer = Writer(writing, viewer, request_id, cache)
        return make_context(reader, cursors, writer, desk, taken, polling)

    viewer_of = partial(external.viewer_of, signing, provider, LiveAccounts(database), writing)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as beside:
            await beside.enter_async_context(views.writing(writing, taken))
            await beside.enter_async_context(answers.versions.remembering())
            await beside.enter_async_context(warming(Reader(database, cache, ANONYMOUS, generations)))
            if settings.does_jobs:
                await beside.enter_async_context(worker.working(url))
            if started:
                started()
            yield
        await tail.close()
        await desk.close()
        await cache.close()
        await exporting.close()
        await writing.close()
        await database.close()

    core = schema._schema  # noqa: SLF001 - Strawberry has no public name for the graphql-core schema it builds.
    documents, plans = Documents(core), Plans(core) if settings.is_compiled else None
    is_shared = not settings.cache_url.startswith("memory:")
    persisted = persisted_documents(settings, documents, TextsInCache(cache) if is_shared else None)

    async def ranking(_kind: FeedKind, order: PostOrder) -> int:
        return (await generations.current(order, database, cache)).id

    answers = Answers(
        Versions(tail, interests, ranking),
        FieldReader(core),
        ETags(signing.cursor),
        reads_of,
        VersionsInCache(cache) if is_shared else None,
    )
    endpoint = GraphQLEndpoint(
        Execution(core, plans, metrics.operations),
        documents,
        viewer_of,
        context_of,
        persisted=persisted,
        answers=answers,
        is_recent=partial(is_recent, cursors),
    )
    further = [*exports.routes(viewer_of, exporting), *bulk.routes(viewer_of, database, writing, exporting)]
    further += metrics_page.routes(metrics.text)
    return create_site(endpoint, database.is_current, lifespan, further)


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
