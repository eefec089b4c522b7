"""Takes a bulk in while it arrives: a chunk of it is in memory at any time, the rest in the database."""

from collections.abc import AsyncIterator
from hashlib import sha256

from feed_service.commands.bulk import uploads
from feed_service.commands.bulk.cutting import Cutter
from feed_service.commands.bulk.kinds import Kind
from feed_service.commands.bulk.uploads import Arrived
from feed_service.commands.transaction import Writer


async def receive(
    writer: Writer, kind: Kind, pieces: AsyncIterator[bytes], *, is_dry_run: bool, key: str | None = None
) -> int:
    """The id of the bulk, which begins within a second; of the same one, if it was sent under this key before.

    What does not arrive whole, because `pieces` raises, is dropped.

    Raises:
        RateLimited: too many bulks are under way.
        BadUserInput: something else was sent under this key.
    """
    bulk_id = await writer.run(uploads.begin, kind.name, is_dry_run=is_dry_run)
    try:
        arrived = await _spooled(writer, bulk_id, kind, pieces, f"{kind.name} {is_dry_run}\n")
        return await writer.run(uploads.submit, bulk_id, arrived, key)
    except BaseException:
        await writer.run(uploads.drop, bulk_id)
        raise


async def _spooled(writer: Writer, bulk_id: int, kind: Kind, pieces: AsyncIterator[bytes], asked: str) -> Arrived:
    cutter, size, digest = Cutter(kind.chunk_lines), 0, sha256(asked.encode())
    async for piece in pieces:
        size += len(piece)
        digest.update(piece)
        for chunk in cutter.cut(piece):
            await writer.run(uploads.add_chunk, bulk_id, chunk)
    for chunk in cutter.end():
        await writer.run(uploads.add_chunk, bulk_id, chunk)
    return Arrived(size, cutter.line_count, cutter.chunk_count, digest.digest())
