"""Pages of a frozen ranking: places of one generation, of which each viewer sees what is listed for them."""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.generations import Generation
from feed_service.loaders.reads import Class
from feed_service.paging import Item, Key, Page, Slice
from feed_service.queries import posts, rankings
from feed_service.queries.feeds import Parts
from feed_service.queries.prepared import for_ids
from feed_service.vocabulary import PostOrder

KEY_TYPES = "ii"
"""Of keys (generation, -place): as in every list the first post has the greatest, and a later list greater ones."""

SPARE = 4
"""Places looked at beyond a page, so that a few hidden posts cost no second statement."""

GROWTH = 8
"""Each further look is at so many times more places: a list of 1,000 is at its end after four."""


class Snapshot(NamedTuple):
    """What a page was read from. `is_restarted`: in place of a generation that is lost."""

    generation: Generation
    is_restarted: bool = False

    @property
    def top(self) -> Key:
        """Just before the first place."""
        return self.generation.id, 1

    def part_read(self, part: Slice) -> Slice:
        """The part that was read where `part` was asked for. A list that begins anew is read from its top."""
        return Slice(part.limit) if self.is_restarted else part


async def page(reader: Reader, order: PostOrder, part: Slice, parts: Parts = None) -> tuple[Page[Item], Snapshot]:
    """Full pages as long as the list goes on, whatever is hidden meanwhile, in at most four statements.

    With the posts themselves if `parts` of them are wanted.
    """
    snapshot = await _snapshot(reader, order, part)
    part, generation = snapshot.part_read(part), snapshot.generation
    statement = (rankings.listed,) if parts is None else (posts.in_feeds_by_ids, parts)
    found = await _listed(reader, generation, _places(part, len(generation.post_ids)), part.limit + 1, *statement)
    # The post beyond the page as well: if it goes, the page may have become the last one.
    reader.reads.note(Class.POSTS, [post.id for _, post in found[: part.limit + 1]])
    items = [Item(post.id, (generation.id, -place), None if parts is None else post) for place, post in found]
    return Page.cut(items, part), snapshot


async def _snapshot(reader: Reader, order: PostOrder, part: Slice) -> Snapshot:
    """The generation of the cursors, or the current one; cursors of two generations do not end one list."""
    wanted = {key[0] for key in (part.after, part.before) if key is not None}
    if len(wanted) == 1:
        (generation_id,) = wanted
        if kept := await reader.generations.by_id(order, generation_id, reader.cache):
            return Snapshot(kept)
    return Snapshot(await reader.generations.current(order, reader.database, reader.cache), is_restarted=bool(wanted))


def _places(part: Slice, size: int) -> range:
    """The places in a part of a list, in reading direction."""
    beside = 0 if part.is_inclusive else 1
    first = 0 if part.after is None else max(0, -part.after[1] + beside)
    end = size if part.before is None else min(size, -part.before[1] + 1 - beside)
    return range(first, end)[::-1] if part.backwards else range(first, end)


async def _listed(
    reader: Reader, generation: Generation, places: range, wanted: int, statement: Callable[..., Any], *args: Hashable
) -> list[tuple[int, Any]]:
    """The first places whose posts stand in the viewer's feeds, and their rows: as many as wanted, or a few more."""
    found: list[tuple[int, Any]] = []
    size = wanted + SPARE
    while places and len(found) < wanted:
        here, places, size = places[:size], places[size:], size * GROWTH
        ids = [generation.post_ids[place] for place in here]
        rows = await reader.rows(*for_ids(statement, ids, reader.viewer, *args))
        listed = one_per_key(ids, rows, key=lambda post: post.id)
        found += [(place, post) for place, post in zip(here, listed, strict=True) if post is not None]
    return found
