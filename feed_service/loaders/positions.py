"""Where the database's log stands."""

from feed_service.loaders.batching import Reader
from feed_service.queries.changes import written_position


async def written(reader: Reader) -> int:
    """Bytes of write-ahead log so far: whoever has read that far has seen every commit until now."""
    ((position,),) = await reader.rows(written_position())
    return int(position)
