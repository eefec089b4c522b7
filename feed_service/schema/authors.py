"""Who wrote a post."""

from feed_service import loaders, models
from feed_service.schema.context import Info


async def author_of(info: Info, post: models.Post) -> models.User | None:
    """Of a post that the viewer sees, which always has an author; also of one who was suspended a moment ago."""
    found = await info.context.loaders.load(loaders.users.by_id, post.author_id)
    return found or await info.context.loaders.load(loaders.users.hidden_meanwhile_by_id, post.author_id)
