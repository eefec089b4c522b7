"""The newest or oldest posts of many followed tags, each post once: the merge of `feed_users` with tags as sources."""

from collections.abc import Sequence

from sqlalchemy import CTE, ColumnElement, select, true, tuple_

from feed_service import models
from feed_service.paging import Sort
from feed_service.queries.feed_reading import KEPT, Bound, Reading, Rows, inline
from feed_service.queries.visibility import id_of, not_hidden_for

FIRSTS = 4
"""Posts of each tag that are read first: more cost little, put the bound nearer, and make the last stage shorter."""


def of_followed_tags(reading: Reading, *bounds: Bound) -> Rows:
    """(id, published_at), as far as `bounds` allow.

    The first few posts of each tag together bound the page; then each tag that reaches into it is read up to there.
    """
    follow = models.TagFollow
    tags = select(follow.tag_id).where(follow.user_id == id_of(reading.viewer)).cte("tags")
    firsts = _firsts(reading, tags, bounds).cte("firsts").prefix_with(KEPT)
    each = select(firsts.c.id, firsts.c.published_at, firsts.c.author_id).distinct().subquery("each")
    page = reading.first_of_live_authors(reading.in_order(each, each.c.author_id)).cte("first_page").prefix_with(KEPT)
    bound = reading.last_of(page)
    reaches = reading.before_nearest(tuple_(firsts.c.published_at, firsts.c.id), [bound])
    leading = select(firsts.c.tag_id).where(reaches).distinct().cte("leading_tags")
    tagged = _tagged(reading, leading.c.tag_id, [*bounds, bound])
    # Without a limit of its own, which would make PostgreSQL weigh the looks at authors when it chooses an index.
    items = reading.first_of_live_authors(tagged.limit(None)).lateral("items")
    found = select(items.c.id, items.c.published_at).select_from(leading.join(items, true())).distinct()
    return reading.in_order(found.subquery("tagged")).limit(reading.size)


def _firsts(reading: Reading, tags: CTE, bounds: Sequence[Bound]) -> Rows:
    """(tag_id, id, published_at, author_id): the first few posts of each tag, whose authors may not be live."""
    few = _tagged(reading, tags.c.tag_id, bounds).limit(inline(FIRSTS)).lateral("few")
    return select(tags.c.tag_id, few.c.id, few.c.published_at, few.c.author_id).select_from(tags.join(few, true()))


def _tagged(reading: Reading, tag_id: ColumnElement[int], bounds: Sequence[Bound]) -> Rows:
    """(id, published_at, author_id) of one tag's posts, read from the tag's index alone."""
    use = models.PostTag
    posts = select(use.post_id.label("id"), use.published_at, use.author_id).where(
        use.tag_id == tag_id,
        ~use.is_deleted,
        not_hidden_for(reading.viewer, use.author_id),
    )
    sort = Sort((use.published_at, use.post_id), reading.sort.is_descending, reading.sort.is_clocked)
    return reading.within(posts, sort, bounds).correlate_except(use)
