"""Which posts the viewer can have viewed."""

from feed_service.loaders.batching import Reader
from feed_service.queries import views
from feed_service.queries.prepared import for_ids


async def is_listed_by_post_id(reader: Reader, post_ids: list[int]) -> list[bool]:
    listed = set(await reader.scalars(*for_ids(views.listed_among, post_ids, reader.viewer)))
    return [post_id in listed for post_id in post_ids]
