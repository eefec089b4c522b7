"""Which posts somebody can have viewed."""

from sqlalchemy import Select, select

from feed_service import models
from feed_service.queries.batches import Ids, is_any
from feed_service.queries.visibility import post_listed_for
from feed_service.viewer import Viewer


def listed_among(viewer: Viewer, post_ids: Ids) -> Select[int]:
    """Those of the posts that are listed for the viewer."""
    return select(models.Post.id).where(is_any(models.Post.id, post_ids), post_listed_for(viewer))
