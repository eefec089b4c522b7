"""The newest or oldest posts of many followed tags, each post once: the merge of `feed_users` with tags as sources."""

from collections.abc import Sequence

from sqlalchemy import CTE, ColumnElement, FromClause, func, select, true

from feed_service import models
from feed_service.paging import Sort
from feed_service.queries.feed_reading import Bound, Reading, Rows
from feed_service.queries.visibility import id_of, not_muted_for, user_listed_for


def of_followed_tags(reading: Reading, *bounds: Bound) -> Rows:
    """(id, published_at), as far as `bounds` allow.

    The first few posts of each tag together bound the page; then each tag that reaches into it is read up to there.
    """
    follow = models.TagFollow
    followed = select(follow.tag_id).where(follow.user_id == id_of(reading.viewer))
    tags = followed.cte("tags")
    few = _tagged(reading.resized(1), tags.c.tag_id, bounds).limit(_enough_for_page(reading, tags)).lateral("few")
    firsts = select(tags.c.tag_id, few.c.id, few.c.published_at).select_from(tags.join(few, true())).cte("firsts")
    page = reading.in_order(_distinct(firsts)).limit(reading.size).cte("first_posts")
    bound = reading.last_of(page)
    leading = (
        select(firsts.c.tag_id).where(*reading.until(firsts.c.published_at, [bound])).distinct().cte("leading_tags")
    )
    items = _tagged(reading, leading.c.tag_id, [*bounds, bound]).lateral("items")
    found = select(items.c.id, items.c.published_at).select_from(leading.join(items, true())).distinct()
    return reading.in_order(found.subquery("tagged")).limit(reading.size)


def _distinct(firsts: CTE) -> FromClause:
    return select(firsts.c.id, firsts.c.published_at).distinct().subquery("distinct_firsts")


def _enough_for_page(reading: Reading, tags: CTE) -> ColumnElement[int]:
    """How many posts of each tag make two pages together: one, or more for few tags."""
    count = select(func.greatest(func.count(), 1)).select_from(tags).scalar_subquery()
    return 1 + 2 * reading.size // count


def _tagged(reading: Reading, tag_id: ColumnElement[int], bounds: Sequence[Bound]) -> Rows:
    """(id, published_at) of one tag's posts, read from the tag's index alone."""
    use, viewer = models.PostTag, reading.viewer
    posts = select(use.post_id.label("id"), use.published_at).where(
        use.tag_id == tag_id,
        ~use.is_deleted,
        user_listed_for(viewer, use.author_id),
        not_muted_for(viewer, use.author_id),
        *reading.until(use.published_at, bounds),
    )
    sort = Sort((use.published_at, use.post_id), reading.sort.is_descending, reading.sort.is_clocked)
    return sort.slice(posts, reading.part).correlate_except(use)
