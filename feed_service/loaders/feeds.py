"""Pages of feeds, why they are empty, and why a post is in one."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from feed_service.errors import BadUserInput
from feed_service.loaders import rankings
from feed_service.loaders.batching import Reader
from feed_service.loaders.rankings import Snapshot
from feed_service.paging import Item, Key, Order, Page, Slice
from feed_service.queries import feed_filters, feed_reasons, feeds
from feed_service.queries.feed_filters import FeedFilter
from feed_service.queries.feeds import ALLOWED_ORDERS, PERSONAL_KINDS, RANKED_KINDS, Parts
from feed_service.queries.prepared import for_ids, once
from feed_service.vocabulary import FeedEmptyReason, FeedKind, PostOrder, TimeWindow

MAX_CANDIDATES = 5_000
"""Posts that a filter looks at for one page."""

CHUNK = 500
"""Posts that a filter looks at in one go, after a first, smaller go."""

LONGEST_RANKED_WINDOW = timedelta(weeks=1)

FOLLOWING_KINDS = (FeedKind.HOME, FeedKind.FOLLOWING_USERS)
"""Read by a quick statement first, for those who follow few, as most do: others lose 0.1 ms by it."""


@dataclass(frozen=True)
class Feed:
    """One feed, whichever part of it is read. Make it with `feed`, which checks that such a feed exists."""

    kind: FeedKind
    order: PostOrder
    filter: FeedFilter
    window: timedelta | None

    @property
    def is_ranked_by_value(self) -> bool:
        """HOT or TOP of a feed that comes by time; its keys end with the moment at which the ranking began."""
        return self.kind not in RANKED_KINDS and self.order not in feeds.TIME_SORTS

    @property
    def is_frozen(self) -> bool:
        """Whether it is read from a ranking generation, and its keys are places in one."""
        return self.kind in RANKED_KINDS and self.filter == FeedFilter() and self.window is None

    @cached_property
    def cursor_order(self) -> Order:
        """What a cursor of this feed is bound to. Asked for by every edge."""
        digest = hashlib.sha256(repr((self.filter, self.window)).encode()).hexdigest()[:16]
        return Order(f"feed:{self.kind}:{self.order}:{digest}", self._key_types)

    @property
    def _key_types(self) -> str:
        if self.order in feeds.TIME_SORTS:
            return feeds.TIME_SORTS[self.order].types
        if self.is_ranked_by_value:
            return "fit" if self.order is PostOrder.HOT else "iit"
        if self.is_frozen:
            return rankings.KEY_TYPES
        return feeds.RANK_SORTS[self.order].types


@lru_cache(1_000)
def feed(kind: FeedKind, order: PostOrder | None, wanted: FeedFilter, window: TimeWindow | None) -> Feed:
    """Raises BadUserInput, naming what can be used, for an order or a window that this kind does not have."""
    allowed = ALLOWED_ORDERS[kind]
    order = order or allowed[0]
    if order not in allowed:
        raise BadUserInput(f"The feed {kind} comes in the orders {', '.join(allowed)}, not {order}.")
    found = Feed(kind, order, wanted, window.value if window else None)
    if not found.is_ranked_by_value:
        return found
    length = timedelta(weeks=1) if window is None else window.value
    if length is None or length > LONGEST_RANKED_WINDOW:
        raise BadUserInput(f"The feed {kind} comes in the order {order} within the windows HOUR, DAY or WEEK.")
    return replace(found, window=length)


@dataclass(frozen=True, eq=False)
class FeedPart:
    """A part of a feed, equal to no other. `now`: when the request began, from which all its reads look back.

    `posts`: what is shown of the posts, which had best come with the page; they do, unless a filter looks at more.
    """

    feed: Feed
    part: Slice
    posts: Parts = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


class ReadAt(NamedTuple):
    """What the statement behind a page could see, as PostgreSQL writes it, when that was, and the epoch."""

    snapshot: str
    clock_us: int
    epoch: int | None


class Found(NamedTuple):
    """Up to `limit + 1` items in reading direction, before any filter."""

    items: list[Item]
    read_at: ReadAt | None = None


@dataclass(frozen=True)
class FeedPage(Page[Item]):
    """A page of (post id, sort key). `reached`: the last candidate a filter looked at, if that ended the page.

    `snapshot`: what a page of a frozen feed was read from. `read_at`: where pollers go on from; of several statements
    the first one's; None for an order by rank.
    """

    reached: Key | None = None
    snapshot: Snapshot | None = None
    read_at: ReadAt | None = None


async def pages(reader: Reader, parts: list[FeedPart]) -> list[FeedPage]:
    return [await _page(reader, part) for part in parts]


async def _page(reader: Reader, wanted: FeedPart) -> FeedPage:
    if reader.viewer.is_anonymous and wanted.feed.kind in PERSONAL_KINDS:
        return FeedPage([], has_more=False)
    if wanted.feed.is_frozen:
        frozen, snapshot = await rankings.page(reader, wanted.feed.order, wanted.part, wanted.posts)
        return FeedPage(frozen.items, frozen.has_more, snapshot=snapshot)
    if _needs_filter(wanted.feed):
        return await _filtered_page(reader, wanted)
    found = await _candidates(reader, wanted)
    page = Page.cut(found.items, wanted.part)
    return FeedPage(page.items, page.has_more, read_at=found.read_at)


def _needs_filter(wanted: Feed) -> bool:
    return wanted.filter != FeedFilter() or (wanted.window is not None and wanted.kind in RANKED_KINDS)


async def _candidates(reader: Reader, wanted: FeedPart) -> Found:
    feed, part = wanted.feed, wanted.part
    if feed.is_ranked_by_value:
        return await _ranked_candidates(reader, wanted)
    if feed.kind in RANKED_KINDS:
        sort = feeds.RANK_SORTS[feed.order]
        rows = await reader.rows(*feeds.ranked_posts(reader.viewer, feed.order, part))
        return Found([Item(row.id, sort.key(row)) for row in rows])
    sort = feeds.TIME_SORTS[feed.order]
    part = _within_window(wanted)
    posts = None if _needs_filter(feed) else wanted.posts
    of_users = feed.kind in FOLLOWING_KINDS
    rows = await reader.rows(*feeds.by_time(reader.viewer, feed.kind, feed.order, part, posts, is_of_few=of_users))
    if of_users and rows[0].follows_many:
        rows = await reader.rows(*feeds.by_time(reader.viewer, feed.kind, feed.order, part, posts))
    return _found(rows, sort.key, has_posts=posts is not None)


def _found(rows: Sequence[Any], key: Callable[[Any], Key], *, has_posts: bool = False) -> Found:
    """Rows of `feeds.with_snapshot` or `feeds.with_posts`."""
    items = [Item(row.id, key(row), row if has_posts else None) for row in rows if row.id is not None]
    first = rows[0]
    return Found(items, ReadAt(first.snapshot, first.clock_us, first.epoch))


def _within_window(wanted: FeedPart) -> Slice:
    """The slice, ended at the older end by the window, which is a bound like any other in an order by time."""
    if wanted.feed.window is None:
        return wanted.part
    oldest = (wanted.now - wanted.feed.window, 0)
    if feeds.TIME_SORTS[wanted.feed.order].is_descending:
        return replace(wanted.part, before=max(wanted.part.before or oldest, oldest))
    return replace(wanted.part, after=max(wanted.part.after or oldest, oldest))


async def _ranked_candidates(reader: Reader, wanted: FeedPart) -> Found:
    """Items with the keys (value, id, when the ranking began), so that later posts do not move the rest."""
    feed, part = wanted.feed, wanted.part
    assert feed.window is not None  # noqa: S101 - `feed` has set it.
    bound = part.after or part.before
    until: datetime = wanted.now if bound is None else bound[2]
    cut = replace(part, after=part.after and part.after[:2], before=part.before and part.before[:2])
    rows = await reader.rows(*feeds.ranked_candidates(reader.viewer, feed.kind, feed.order, cut, until, feed.window))
    return _found(rows, lambda row: (row.value, row.id, until))


async def _filtered_page(reader: Reader, wanted: FeedPart) -> FeedPage:
    """Walks the unfiltered feed in chunks and keeps what passes, until the page is full or enough was looked at."""
    part, feed = wanted.part, wanted.feed
    since = wanted.now - feed.window if feed.window is not None and feed.kind in RANKED_KINDS else None
    kept: list[Item] = []
    looked_at, last, chunk, read_at = 0, None, 2 * part.limit, None
    while looked_at < MAX_CANDIDATES:
        here = _continued(part, last, min(chunk, MAX_CANDIDATES - looked_at))
        found = await _candidates(reader, replace(wanted, part=here))
        batch, read_at = found.items[: here.limit], read_at or found.read_at
        wanted_here = feed_filters.passing([item.id for item in batch], feed.filter, since)
        passing = set(await reader.scalars(*wanted_here))
        kept += [item for item in batch if item.id in passing]
        if len(kept) > part.limit or len(found.items) <= here.limit:
            page = Page.cut(kept, part)
            return FeedPage(page.items, page.has_more, read_at=read_at)
        looked_at, last, chunk = looked_at + len(batch), batch[-1].key, CHUNK
    return FeedPage(kept[::-1] if part.backwards else kept, has_more=True, reached=last, read_at=read_at)


def _continued(part: Slice, last: Key | None, limit: int) -> Slice:
    if last is None:
        return replace(part, limit=limit)
    if part.backwards:
        return replace(part, limit=limit, before=last, is_inclusive=False)
    return replace(part, limit=limit, after=last, is_inclusive=False)


async def empty_reason(reader: Reader, feed: Feed, part: Slice) -> FeedEmptyReason:
    """Why this part of the feed holds nothing."""
    viewer = reader.viewer
    if viewer.is_anonymous and feed.kind in PERSONAL_KINDS:
        return FeedEmptyReason.ANONYMOUS
    if (part.after or part.before) and await has_items(reader, feed):
        return FeedEmptyReason.END_OF_FEED
    unfiltered = replace(feed, filter=FeedFilter(), window=feed.window if feed.is_ranked_by_value else None)
    if unfiltered != feed and await has_items(reader, unfiltered):
        return FeedEmptyReason.ALL_FILTERED
    if feed.kind in PERSONAL_KINDS:
        (follows,) = await reader.scalars(*once(feed_reasons.follows_anything, feed.kind, viewer=viewer))
        return FeedEmptyReason.NO_POSTS if follows else FeedEmptyReason.NO_FOLLOWS
    return FeedEmptyReason.NO_POSTS


async def has_items(reader: Reader, feed: Feed) -> bool:
    (page,) = await pages(reader, [FeedPart(feed, Slice(1))])
    return bool(page.items)


class Reasons(NamedTuple):
    """What ties a post to the viewer: whether a followed person wrote it, and which followed tags it has."""

    is_author_followed: bool
    tag_ids: list[int]


async def reasons_by_post_id(
    reader: Reader, post_ids: list[int], wanted: frozenset[str] = feed_reasons.ALL
) -> list[Reasons]:
    """For a viewer who is signed in; `wanted` are fields of `Reasons`, of which the others are False and empty."""
    rows = await reader.rows(*for_ids(feed_reasons.of_posts, post_ids, reader.viewer, wanted))
    has_author, has_tags = "is_author_followed" in wanted, "tag_ids" in wanted
    reasons = {
        row.post_id: Reasons(has_author and row.is_author_followed, row.tag_ids if has_tags else []) for row in rows
    }
    return [reasons[post_id] for post_id in post_ids]
