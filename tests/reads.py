"""What a `ReadDatabase` sends, written down, and what happens when all its connections are busy."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event

from feed_service.database import ReadDatabase
from feed_service.statements import Readable, reading


def noted(database: ReadDatabase) -> list[str]:
    """The statements that connections opened from now on will send; each is noted one turn of the loop later."""
    statements: list[str] = []

    def listen(connection: Any, _record: object) -> None:  # noqa: ANN401 - SQLAlchemy's around the driver's.
        connection.driver_connection.add_query_logger(lambda logged: statements.append(logged.query))

    rows = database.rows

    async def told(statement: Readable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        # The driver tells of no statement that is kept prepared.
        wanted = reading(statement)
        if wanted.literal is None:
            statements.append(wanted.statement.text)
        return await rows(statement, values)

    event.listen(database.engine.sync_engine, "connect", listen)
    database.rows = told  # type: ignore[method-assign]
    return statements


@asynccontextmanager
async def all_busy(database: ReadDatabase) -> AsyncIterator[None]:
    is_over = asyncio.Event()
    waiting = [
        asyncio.create_task(database.by_driver(lambda _: is_over.wait())) for _ in range(database.gate.connections)
    ]
    await asyncio.sleep(0)
    yield
    is_over.set()
    await asyncio.gather(*waiting)
