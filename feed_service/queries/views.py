"""Which posts somebody can have viewed."""

from collections.abc import Sequence

from sqlalchemy import Select, select

from feed_service import models
from feed_service.queries.batches import is_any
from feed_service.queries.visibility import post_listed_for
from feed_service.viewer import Viewer


def listed_among(viewer: Viewer, post_ids: Sequence[int]) -> Select[int]:
    """Those of the posts that are listed for the viewer."""
    return select(models.Post.id).where(is_any(models.Post.id, post_ids), post_listed_for(viewer))
