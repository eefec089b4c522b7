"""The schema as a client sees it, without HTTP, and with every statement written down."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any

from graphql import DocumentNode, ExecutionResult, execute, parse, validate
from strawberry.execution import optimized_is_awaitable

from feed_service import models
from feed_service.accounts.desk import Desk
from feed_service.accounts.mail import Mail
from feed_service.cache import read_through
from feed_service.commands.transaction import Writer
from feed_service.commands.views import Views
from feed_service.database import ReadDatabase
from feed_service.execution.paths import at_path, told
from feed_service.loaders.batching import Reader
from feed_service.loaders.entities import Entities
from feed_service.loaders.generations import Generations
from feed_service.paging import Cursors
from feed_service.polling import epochs
from feed_service.polling.interests import Interests
from feed_service.polling.parts import Polling
from feed_service.polling.tail import Tail
from feed_service.polling.tokens import SyncTokens
from feed_service.schema.context import Context, make_context
from feed_service.schema.ids import encode
from feed_service.schema.schema import schema
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS, Role, Viewer
from feed_service.watching import WATCH, Watch
from tests.desk import desk_for_tests
from tests.reads import noted

SECRET = b"a secret for tests, of 32 bytes."
SCHEMA = schema._schema  # noqa: SLF001 - the GraphQL schema inside Strawberry's.


@lru_cache
def document_of(query: str) -> DocumentNode:
    """Checked once, as the service does. Raises Refused."""
    document = parse(query)
    if errors := validate(SCHEMA, document):
        raise Refused(errors)
    return document


class Refused(Exception):
    """The answer holds errors; `codes` are theirs, in order."""

    def __init__(self, errors: list[Any]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.codes = [getattr(error.original_error, "code", "BAD_USER_INPUT") for error in errors]


class Api:
    """`desk` signs people in; the mails it sends are in `mails`."""

    def __init__(self, database: ReadDatabase, writing: WriteDatabase) -> None:
        self.database = database
        self.writing = writing
        self.mails: list[Mail] = []
        self.views = Views()
        self.is_fresh = False
        """Whether questions come with the token of what was written just before."""
        self.generations = Generations()
        self.entities = Entities()
        """Keeps nothing, unless a test gives it a log."""
        self.desk: Desk = desk_for_tests(self.mails)
        self.statements = noted(database)
        tail = Tail(database, partial(epochs.renew, writing))
        self.polling = Polling(tail, Interests(database, tail), SyncTokens(SECRET), lambda: 0.0)

    def statements_by_table(self) -> Counter[str]:
        """How many statements read each table."""
        tables = (
            set(re.findall(r"(?:FROM|JOIN) (?:LATERAL \(SELECT .*? FROM )?(\w+)", text)) for text in self.statements
        )
        return Counter(table for found in tables for table in found if table in models.Base.metadata.tables)

    async def __call__(self, query: str, viewer: models.User | Viewer | None = None, **variables: Any) -> Any:  # noqa: ANN401 - the answer's data.
        """Raises Refused."""
        context = self.context(viewer_of(viewer) if isinstance(viewer, models.User) else viewer or ANONYMOUS)
        watch = Watch("test")
        was = WATCH.set(watch)
        executing = execute(
            SCHEMA,
            document_of(query),
            None,
            context,
            variables,
            middleware=[at_path],
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # As in feed_service.execution.run.
        )
        result = executing if isinstance(executing, ExecutionResult) else await executing
        await asyncio.sleep(0)
        WATCH.reset(was)
        told(watch, self.database.meters.operation(watch, 0.0))
        if result.errors:
            raise Refused(result.errors)
        return result.data

    def context(self, viewer: Viewer) -> Context:
        """Of a request with a cache of its own."""
        reader = Reader(
            self.database, read_through.connect("memory://"), viewer, self.generations, entities=self.entities
        )
        reader.reads.is_fresh = self.is_fresh
        writer = Writer(self.writing, viewer, "test")
        return make_context(reader, Cursors(SECRET), writer, self.desk, self.views, self.polling)


def viewer_of(user: models.User) -> Viewer:
    return Viewer(user.id, Role(user.role or "user"))


@asynccontextmanager
async def api_on(url: str) -> AsyncIterator[Api]:
    database, writing = ReadDatabase.connect(url), WriteDatabase.connect(url)
    api = Api(database, writing)
    yield api
    await api.polling.tail.close()
    await api.desk.close()
    await writing.close()
    await database.close()


def global_id(row: Any) -> str:  # noqa: ANN401 - a row with an id.
    return str(encode(type(row).__name__, row.id))
