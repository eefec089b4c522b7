"""Bulks as a test sends them: all lines at once, done by a runner in a hurry."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from feed_service import models
from feed_service.commands.bulk import chunks, uploads
from feed_service.commands.bulk.cutting import Cutter
from feed_service.commands.bulk.uploads import Arrived
from feed_service.commands.transaction import Writer
from feed_service.jobs.runner import Runner
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer
from tests.commands.laws import contents
from tests.jobs.counting import HURRIED
from tests.world import World

Line = Mapping[str, Any] | bytes


def encoded(lines: Sequence[Line]) -> bytes:
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


async def sent(
    writing: WriteDatabase,
    kind: str,
    lines: Sequence[Line],
    *,
    is_dry_run: bool = False,
    chunk_lines: int = 5_000,
    viewer: Viewer = ANONYMOUS,
) -> int:
    """The id of a bulk that has arrived."""
    writer, cutter, body = Writer(writing, viewer, "test"), Cutter(chunk_lines), encoded(lines)
    bulk_id = await writer.run(uploads.begin, kind, is_dry_run=is_dry_run)
    pieces = [*cutter.cut(body), *cutter.end()]
    for piece in pieces:
        await writer.run(uploads.add_chunk, bulk_id, piece)
    return await writer.run(uploads.submit, bulk_id, Arrived(len(body), cutter.line_count, len(pieces)))


def runner(writing: WriteDatabase) -> Runner:
    return Runner(writing, {uploads.JOB: chunks.do_chunk}, HURRIED)


async def outcomes_of(world: World, bulk_id: int) -> list[dict[str, Any]]:
    kept = [row["outcomes"] or b"" for row in await contents(world, models.BulkChunk) if row["bulk_id"] == bulk_id]
    return [json.loads(line) for outcomes in kept for line in outcomes.splitlines()]


async def done(world: World, writing: WriteDatabase, kind: str, lines: Sequence[Line], **options: Any) -> list[str]:  # noqa: ANN401 - those of `sent`.
    """The outcome of each line, or why it was refused, from first to last."""
    bulk_id = await sent(writing, kind, lines, **options)
    while (await Writer(writing, ANONYMOUS).run(uploads.told, bulk_id))["finished_at"] is None:
        await runner(writing).run_all()
    return [one.get("reason", one["outcome"]) for one in await outcomes_of(world, bulk_id)]
