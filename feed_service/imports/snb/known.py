"""Which rows of the data set are here already, under which ids."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service import models
from feed_service.imports.copy import copy_rows, new_ids
from feed_service.imports.snb.files import Refused
from feed_service.imports.snb.values import known_id

SOURCE = "snb"
EXTERNAL_ID = ("source", "kind", "external_id", "local_id")


class Known:
    """The rows of one kind: `local` maps the id in the data set to the one here, and grows while rows are written."""

    def __init__(self, kind: str, table: str, local: dict[str, int]) -> None:
        self.kind = kind
        self.table = table
        self.local = local
        self.met: set[str] = set()

    @classmethod
    async def load(cls, connection: AsyncConnection, kind: str, table: str) -> "Known":
        external = models.ExternalId
        statement = select(external.external_id, external.local_id)
        rows = await connection.execute(statement.where(external.source == SOURCE, external.kind == kind))
        return cls(kind, table, {row.external_id: row.local_id for row in rows})

    def new(self, value: str) -> str | None:
        """The id of a row to write; None when it was written by an earlier run."""
        external_id = known_id(value)
        if external_id in self.met:
            raise Refused(f"{self.kind} {external_id} stands in an earlier line already")
        self.met.add(external_id)
        return None if external_id in self.local else external_id

    def id_of(self, value: str) -> int:
        """The id here of what a row refers to."""
        local_id = self.local.get(known_id(value))
        if local_id is None:
            raise Refused(f"there is no {self.kind} {value}")
        return local_id

    async def write(
        self, connection: AsyncConnection, columns: Sequence[str], rows: Iterable[tuple[str, tuple[Any, ...]]]
    ) -> int:
        """Write (id in the data set, values of `columns`), giving each a new id here; return how many there were."""
        rows = list(rows)
        ids = await new_ids(connection, self.table, len(rows))
        numbered = list(zip(ids, rows, strict=True))
        await copy_rows(connection, self.table, ("id", *columns), ((id_, *values) for id_, (_, values) in numbered))
        await self.note(connection, ((external_id, id_) for id_, (external_id, _) in numbered))
        return len(rows)

    async def note(self, connection: AsyncConnection, pairs: Iterable[tuple[str, int]]) -> None:
        """Keep (id in the data set, id here) for the next run and for the rows that refer to it."""
        fresh = dict(pairs)
        self.local.update(fresh)
        external_ids = ((SOURCE, self.kind, external_id, id_) for external_id, id_ in fresh.items())
        await copy_rows(connection, "external_ids", EXTERNAL_ID, external_ids)
