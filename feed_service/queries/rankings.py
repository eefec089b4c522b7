"""What a ranking generation is made of, and which of its posts a viewer finds in it."""

from sqlalchemy import Select, func, select

from feed_service import models
from feed_service.paging import Slice
from feed_service.queries.batches import Ids, is_any
from feed_service.queries.feed_reading import Rows
from feed_service.queries.feeds import statement_by_rank
from feed_service.queries.prepared import Prepared, values_of
from feed_service.queries.visibility import not_muted_for, post_listed_for
from feed_service.statements import built_once
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import PostOrder

SIZE = 1_000
"""Posts in a generation. Reading them takes 3 to 7 ms and 8,500 buffers of 500,000 posts (2026-11-21)."""


def best(order: PostOrder) -> Prepared:
    """One row (as_of, post_ids): when it was read, and the ids of the best posts that everybody may see, best first."""
    return Prepared(_statement_of_best(order), values_of(ANONYMOUS, Slice(SIZE - 1)))


@built_once
def _statement_of_best(order: PostOrder) -> Rows:
    ranked = statement_by_rank(ANONYMOUS, order, Slice(0)).subquery("ranked")
    return select(func.now().label("as_of"), func.array(select(ranked.c.id).scalar_subquery()).label("post_ids"))


def listed(viewer: Viewer, post_ids: Ids) -> Select[int]:
    """Which of the posts stand in the viewer's feeds, in no order."""
    post = models.Post
    is_listed = (post_listed_for(viewer), not_muted_for(viewer, post.author_id))
    return select(post.id).where(is_any(post.id, post_ids), *is_listed)
