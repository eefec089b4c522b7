"""A bulk done at once, by the process that asks for it, beside whichever others do jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from feed_service.commands.bulk import chunks, uploads
from feed_service.commands.bulk.uploads import told
from feed_service.commands.transaction import Writer
from feed_service.errors import NotFound, Unavailable
from feed_service.jobs.outages import pause
from feed_service.jobs.runner import Pace, Runner
from feed_service.queries import bulk as queries
from feed_service.transactions import WriteDatabase, compiled
from feed_service.viewer import ANONYMOUS

PACE = Pace(lease=timedelta(seconds=10))
"""Whoever goes on after this process was killed waits no longer than that."""

LOOK_S = 0.1

OUTCOMES = compiled(queries.outcomes())

Sink = Callable[[bytes], Awaitable[None]]


async def carry_out(database: WriteDatabase, bulk_id: int, sink: Sink) -> Any:  # noqa: ANN401 - a record.
    """Hand over the outcomes, chunk by chunk as they are done, until the bulk is at its end; what is told of it then.

    Raises:
        NotFound: there is no such bulk, or its outcomes are not kept any more.
        Unavailable: it has failed, and waits for an operator.
    """
    runner = Runner(database, {uploads.JOB: chunks.do_chunk}, PACE)
    working = asyncio.create_task(runner.run())
    try:
        return await _handed_over(Writer(database, ANONYMOUS), bulk_id, sink)
    finally:
        runner.stop()
        await working


async def _handed_over(writer: Writer, bulk_id: int, sink: Sink) -> Any:  # noqa: ANN401 - a record.
    number, never = 0, asyncio.Event()
    while True:
        bulk = await writer.run(told, bulk_id)
        if bulk["forgotten_at"] is not None:
            raise NotFound("The outcomes of this bulk are not kept any more.")
        while found := await writer.run(_outcomes, bulk_id, number):
            await sink(found["outcomes"])
            number = found["number"] + 1
        if bulk["finished_at"] is not None:
            return bulk
        if bulk["state"] == "FAILED":
            raise Unavailable(f"Bulk {bulk_id} has failed: {bulk['error']}; see `feed-service jobs`.")
        await pause(never, LOOK_S)


async def _outcomes(tx: Any, bulk_id: int, number: int) -> Any:  # noqa: ANN401 - a record or None.
    return await tx.sql.row(OUTCOMES, bulk_id=bulk_id, number=number, after=0)
