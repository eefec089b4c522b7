"""Reads lines ahead: those of the next chunk, while PostgreSQL works on this one. All of it is Python's own work.

Lines never change once they have arrived, so what was understood of them stays true whatever becomes of the chunk
before them. Nothing relies on it: another process, or this one after a crash, reads the same lines again.
"""

import asyncio
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, select

from feed_service import models
from feed_service.commands.bulk.kinds import Kind
from feed_service.commands.bulk.lines import Outcome, in_turns, read
from feed_service.commands.jobs import Memory
from feed_service.commands.transaction import Transaction
from feed_service.queries.bulk import BULK_ID
from feed_service.transactions import compiled

chunk = models.BulkChunk
LINES = compiled(
    select(chunk.first_line, chunk.lines).where(
        chunk.bulk_id == BULK_ID, chunk.number == bindparam("number", type_=BigInteger)
    )
)


class Understood(NamedTuple):
    """What the rows of a chunk ask for, the refusals of the others, and a hash of the lines as they came."""

    rows: list[Any]
    refusals: list[Outcome]
    sha256: str


async def understood(tx: Transaction, memory: Memory, kind: Kind, bulk_id: int, number: int) -> Understood:
    """A chunk that there is. The one after it is begun, and kept in `memory` for the step that asks for it."""
    for one in [old for old in memory if old < number]:
        del memory[one]
    for one in (number, number + 1):
        if one not in memory and (found := await tx.sql.row(LINES, bulk_id=bulk_id, number=one)) is not None:
            memory[one] = asyncio.create_task(_read(kind, found["first_line"], found["lines"]))
    answer: Understood = await memory[number]
    return answer


async def _read(kind: Kind, first_line: int, lines: bytes) -> Understood:
    wanted: list[Any] = []
    refusals: list[Outcome] = []
    async for some in in_turns(lines.split(b"\n")):
        rows, refused = read(kind.fields, first_line, some)
        refusals += refused
        for row in rows:
            one = kind.understand(row)
            (refusals if isinstance(one, Outcome) else wanted).append(one)
        first_line += len(some)
    return Understood(wanted, refusals, sha256(lines).hexdigest())
