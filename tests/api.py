"""The schema as a client sees it, without HTTP, and with every statement written down."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event

from feed_service import models
from feed_service.cache import read_through
from feed_service.database import ReadDatabase
from feed_service.loaders.batching import Reader
from feed_service.paging import Cursors
from feed_service.schema.context import make_context
from feed_service.schema.ids import encode
from feed_service.schema.schema import schema
from feed_service.viewer import ANONYMOUS, Role, Viewer


class Refused(Exception):
    """The answer holds errors; `codes` are theirs, in order."""

    def __init__(self, errors: list[Any]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.codes = [getattr(error.original_error, "code", "BAD_USER_INPUT") for error in errors]


class Api:
    def __init__(self, database: ReadDatabase) -> None:
        self.database = database
        self.statements: list[str] = []
        event.listen(database.engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.statements.append(statement)

    def statements_by_table(self) -> Counter[str]:
        """How many statements read each table."""
        tables = (
            set(re.findall(r"(?:FROM|JOIN) (?:LATERAL \(SELECT .*? FROM )?(\w+)", text)) for text in self.statements
        )
        return Counter(table for found in tables for table in found if table in models.Base.metadata.tables)

    async def __call__(self, query: str, viewer: models.User | None = None, **variables: Any) -> Any:  # noqa: ANN401 - the answer's data.
        """Raises Refused."""
        who = Viewer(viewer.id, Role(viewer.role or "user")) if viewer else ANONYMOUS
        reader = Reader(self.database, read_through.connect("memory://"), who)
        context = make_context(reader, Cursors(b"a secret for tests, of 32 bytes."))
        result = await schema.execute(query, context_value=context, variable_values=variables)
        if result.errors:
            raise Refused(result.errors)
        return result.data


@asynccontextmanager
async def api_on(url: str) -> AsyncIterator[Api]:
    database = ReadDatabase.connect(url)
    yield Api(database)
    await database.close()


def global_id(row: Any) -> str:  # noqa: ANN401 - a row with an id.
    return str(encode(type(row).__name__, row.id))
