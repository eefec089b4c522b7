"""What the service says to PostgreSQL, written down, and said again by the bare driver in the same transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from feed_service.database import READING
from feed_service.transactions import WRITING

TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK")


class Said(NamedTuple):
    """One round trip. `is_read`: on a connection for reading, without a transaction."""

    text: str
    values: tuple[Any, ...]
    is_read: bool


class Notes(list[Said]):
    """Round trips in their order, from all connections that are opened while it listens."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        event.listen(Pool, "connect", self._connected)
        event.listen(Engine, "before_cursor_execute", self._read)
        yield
        event.remove(Engine, "before_cursor_execute", self._read)
        event.remove(Pool, "connect", self._connected)

    def take(self) -> list[Said]:
        taken = list(self)
        self.clear()
        return taken

    def _connected(self, connection: Any, _: object) -> None:  # noqa: ANN401 - SQLAlchemy's of asyncpg.
        driver = connection.driver_connection
        is_read = driver.get_settings().default_transaction_read_only == "on"

        def note(query: Any) -> None:  # noqa: ANN401 - asyncpg's.
            self.append(Said(query.query, tuple(query.args or ()), is_read))

        driver.add_query_logger(note)

    def _read(self, _connection: object, _cursor: object, text: str, values: Any, *_: object) -> None:  # noqa: ANN401
        self.append(Said(text, tuple(values), is_read=True))


class Bare:
    """Two connections, set as those of the service."""

    def __init__(self, reading: asyncpg.Connection, writing: asyncpg.Connection) -> None:
        self.reading = reading
        self.writing = writing

    @classmethod
    async def connect(cls, url: str) -> "Bare":
        settings = [{"jit": "off", **kind} for kind in (READING, WRITING)]
        return cls(*[await asyncpg.connect(url, server_settings=kind) for kind in settings])

    async def say(self, notes: list[Said]) -> float:
        """Seconds of this process's CPU."""
        begun = process_time()
        for said in notes:
            connection = self.reading if said.is_read else self.writing
            if said.text.startswith(TRANSACTIONS):
                await connection.execute(said.text)
            else:
                await connection.fetch(said.text, *said.values)
        return process_time() - begun

    async def close(self) -> None:
        await self.reading.close()
        await self.writing.close()
