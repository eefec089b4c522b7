"""Runs an operation as the service would, with nothing in its caches, and explains what it asked of the database.

It never writes: mutations are refused, and every connection that it opens is read-only.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NoReturn

from feed_service.accounts.desk import Desk
from feed_service.cache import read_through
from feed_service.commands.transaction import Writer
from feed_service.commands.views import Views
from feed_service.database import READING, SILENCE_S, create_engine
from feed_service.errors import BadUserInput, Overloaded, Unavailable
from feed_service.execution.documents import Documents, Operation
from feed_service.execution.paths import Asked, Execution
from feed_service.execution.plans import Plans
from feed_service.execution.run import Answer
from feed_service.loaders.batching import Reader
from feed_service.observability import Metrics
from feed_service.operations.explained_reads import ExplainedReads
from feed_service.operations.explaining import STATEMENT_S, reading_plans
from feed_service.operations.explanations import Explained, explained_statements
from feed_service.paging import Cursors
from feed_service.polling.interests import Interests
from feed_service.polling.parts import Polling
from feed_service.polling.tail import Tail
from feed_service.polling.tokens import SyncTokens
from feed_service.schema.context import Context, make_context
from feed_service.schema.schema import schema
from feed_service.transactions import WRITING, WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.watching import WATCH, Watch

CONNECTIONS = 4
"""As many as one request may hold."""

WARM_UPS, WARM_S = CONNECTIONS, 1.0
"""Each of the connections gets to know the statements; what takes longer than this is not made faster by it."""

REQUEST_ID = "explain"


@dataclass(frozen=True)
class Question:
    """What to explain, and for whom. `name`: of the viewer, to be shown."""

    document: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    viewer: Viewer = ANONYMOUS
    name: str | None = None
    is_analyzed: bool = True
    shows_values: bool = False
    limit_s: float = STATEMENT_S


class Explainer:
    """Explains one operation at a time, on connections of its own, which are closed again. `secret`: of cursors."""

    def __init__(self, url: str, secret: bytes, desk: Desk, *, is_compiled: bool) -> None:
        core = schema._schema  # noqa: SLF001 - as in `app`.
        self.url, self.secret, self.desk = url, secret, desk
        self.documents = Documents(core)
        self._core, self._plans = core, Plans(core) if is_compiled else None
        self._one = asyncio.Lock()

    async def explained(self, question: Question) -> Explained:
        """What it asked of the database.

        Raises:
            OperationRefused: the document or the variables do not fit the schema.
            QueryTooCostly: the operation passes one of the limits.
            BadUserInput: it is a mutation.
            Overloaded: another one is being explained.
        """
        operation = self.documents.prepare(question.document, question.operation_name)
        if not operation.is_query:
            raise BadUserInput("Only queries are explained: a mutation would have to write.")
        if self._one.locked():
            raise Overloaded("Another operation is being explained. Please try again in a minute.")
        async with self._one:
            # In a context of its own: a request that asks for this has a watch already.
            return await asyncio.create_task(self._explained(operation, question))

    async def _explained(self, operation: Operation, question: Question) -> Explained:
        # What is explained is no part of the request that asks for it, nor counted.
        WATCH.set(None)
        async with self._databases(question) as (database, writing):
            # Unseen at first, so that connections are open and statements prepared, as a request finds them.
            began = perf_counter()
            for _ in range(WARM_UPS):
                if perf_counter() - began < WARM_S:
                    await self._answer(operation, question, database, writing)
            database.failed.clear()
            WATCH.set(watch := Watch(REQUEST_ID, is_recorded=True))
            started = perf_counter()
            answer, executor = await self._answer(operation, question, database, writing)
            seconds = perf_counter() - started
            runs = database.runs(watch)
        async with reading_plans(self.url, question.limit_s) as plans:
            statements = await explained_statements(
                plans, runs, is_analyzed=question.is_analyzed, shows_values=question.shows_values
            )
        errors = [error["message"] for error in answer.errors]
        return Explained(operation.name, question.name, executor, seconds, errors, statements)

    async def _answer(
        self, operation: Operation, question: Question, database: ExplainedReads, writing: WriteDatabase
    ) -> tuple[Answer, str]:
        """With the executor that made it. An operation that took too long has said much by then."""
        metrics = Metrics()
        execution = Execution(self._core, self._plans, metrics.operations)
        tail = Tail(database, _refuse_to_renew)
        polling = Polling(tail, Interests(database, tail), SyncTokens(self.secret), float)

        def context_of() -> Context:
            reader = Reader(database, read_through.connect("memory://"), question.viewer)
            writer = Writer(writing, question.viewer, REQUEST_ID)
            return make_context(reader, Cursors(self.secret), writer, self.desk, Views(), polling)

        asked = Asked(operation, question.variables, context_of, REQUEST_ID, time_limit_s=2 * question.limit_s)
        try:
            _, answer = await execution.run(asked)
        except Unavailable as error:
            answer = Answer(None, [{"message": str(error)}])
        finally:
            await tail.close()
        is_compiled = metrics.value("feed_operations_total", path="compiled", reason="")
        return answer, "compiled" if is_compiled else "reference"

    @asynccontextmanager
    async def _databases(self, question: Question) -> AsyncIterator[tuple[ExplainedReads, WriteDatabase]]:
        limit = {"statement_timeout": str(round(question.limit_s * 1e3)), "default_transaction_read_only": "on"}
        reads = create_engine(self.url, SILENCE_S, pool_size=CONNECTIONS, **READING | limit)
        database = ExplainedReads(reads.execution_options(isolation_level="AUTOCOMMIT"), CONNECTIONS)
        writing = WriteDatabase(create_engine(self.url, SILENCE_S, pool_size=1, **WRITING | limit), connections=1)
        try:
            yield database, writing
        finally:
            await writing.close()
            await database.close()


async def _refuse_to_renew(_outdated: object) -> NoReturn:
    raise Unavailable("The change log has no epoch for this server yet. Serve it once: explain writes nothing.")
