"""What pollers read: of a feed, where it stands, how much is new, and what a page has left out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.errors import BadUserInput
from feed_service.loaders.feeds import Feed, FeedPage, FeedPart, ReadAt
from feed_service.paging import Key, Slice
from feed_service.polling.feed import moment
from feed_service.polling.fold import Watched
from feed_service.polling.news import News
from feed_service.polling.snapshots import Snapshot
from feed_service.polling.tokens import SyncToken as Stands
from feed_service.polling.told import Changes
from feed_service.polling.unread import at_tip
from feed_service.queries.feeds import RANKED_KINDS
from feed_service.schema.connections import CappedCount, cursor_at
from feed_service.schema.context import Info
from feed_service.schema.lazy import LazyUser
from feed_service.schema.levels import Rows, level
from feed_service.schema.loading import lists_of
from feed_service.schema.scalars import SyncToken
from feed_service.vocabulary import PostOrder

MAX_AUTHORS = 10
MAX_CHANGES = 100
MAX_MISSING = 100

POLL_AFTER = "In how many seconds to ask again: sooner where something happens, later where nothing does or under load."
RESET_REQUIRED = (
    "Whether to begin anew with a fresh page: what the viewer follows, blocks or mutes has changed, there is too much "
    "news, the token is too old, or there is a newer ranking."
)
FirstChanges = Annotated[int, strawberry.argument(description="How many posts or comments to look at, 1 to 100.")]


@dataclass(frozen=True, slots=True)
class ChangesRow:
    """What changes of a feed and of a thread read alike."""

    changes: Changes[Any]

    @property
    def has_more(self) -> bool:
        return self.changes.has_more

    @property
    def reset_required(self) -> bool:
        return self.changes.must_begin_anew


@dataclass(frozen=True, slots=True)
class HeadRow:
    """What a head reads. `tip` finds the key of the newest item."""

    feed: Feed
    news: News
    tip: Callable[[Info], Awaitable[Key | None]]


@strawberry.type(description="The top of a feed: where pollers go on from, and what is new since they asked last.")
class FeedHead:
    @strawberry.field(
        description="Where the feed stands. That of a page is for `since` of feedHead and feedChanges: nothing between "
        "the page and the poll is lost."
    )
    def token(head: strawberry.Parent[HeadRow], info: Info) -> SyncToken:
        return written(info, watched(head.feed), head.news.token)

    @strawberry.field(description="How many posts feedChanges would add, counted up to 100; 0 without `since`.")
    def new_count(head: strawberry.Parent[HeadRow]) -> CappedCount:
        return CappedCount(value=head.news.count, is_capped=head.news.is_capped)

    @level(graphql_type=list[LazyUser], description="Who wrote the newest of them.")
    async def new_authors(
        heads: Rows[HeadRow],
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many people, 1 to 10.")] = 3,
    ) -> list[list[models.User]]:
        if not 1 <= first <= MAX_AUTHORS:
            raise BadUserInput(f"first must be between 1 and {MAX_AUTHORS}.")
        return await lists_of(info, loaders.users.by_id, [head.news.author_ids[:first] for head in heads])

    @strawberry.field(description=RESET_REQUIRED)
    def reset_required(head: strawberry.Parent[HeadRow]) -> bool:
        return head.news.must_begin_anew

    @strawberry.field(
        description="The cursor of the newest item; null for an empty feed. It is looked up: polls do without."
    )
    async def cursor(head: strawberry.Parent[HeadRow], info: Info) -> str | None:
        return cursor_at(info, head.feed.cursor_order, await head.tip(info))

    @strawberry.field(description=POLL_AFTER)
    async def poll_after_seconds(head: strawberry.Parent[HeadRow], info: Info) -> int:
        return await info.context.polling.feed_after_s(info.context.viewer, head.feed.kind)

    @strawberry.field(description="When this was so, by the clock of the database.")
    def as_of(head: strawberry.Parent[HeadRow]) -> datetime:
        return moment(head.news.token.clock_us)


@strawberry.type(
    description="Items between the top of the feed and the cursor `before` that did not fit the page. The page "
    "`feed(first, after, before)` with these cursors goes on, and has a gap of its own until all are read."
)
class FeedGap:
    after: str = strawberry.field(description="The cursor of the last item of the page.")
    before: str = strawberry.field(description="The cursor that the page was to end before.")
    part: strawberry.Private[FeedPart]

    @strawberry.field(description="How many items are missing, counted up to 100.")
    async def missing(self, info: Info) -> CappedCount:
        page = await info.context.loaders.load(loaders.feeds.pages, self.part)
        return CappedCount(value=len(page.items), is_capped=page.has_more)


def watched(feed: Feed) -> Watched:
    return Watched(feed.kind, feed.filter, feed.window)


def written(info: Info, feed: Watched, token: Stands) -> SyncToken:
    return SyncToken(info.context.polling.tokens.encode(feed.purpose, info.context.viewer, token))


def counted(info: Info, outcome: str) -> None:
    """Among the polls of this process."""
    info.context.loaders.reader.database.meters.polls[outcome] += 1


def changes_asked_for(first: int) -> int:
    """Raises BadUserInput."""
    if not 1 <= first <= MAX_CHANGES:
        raise BadUserInput(f"first must be between 1 and {MAX_CHANGES}.")
    return first


async def generation_of(info: Info, feed: Feed, given: str = "") -> str:
    """The ranking that is current, in the order of `given` or else in the feed's own; empty for a feed by time."""
    reader = info.context.loaders.reader
    if feed.kind not in RANKED_KINDS:
        reader.reads.polled(feed.kind, has_window=feed.window is not None)
        return ""
    order = PostOrder(given.partition(":")[0]) if given else feed.order
    generation = await reader.generations.current(order, reader.database, reader.cache)
    reader.reads.ranked_by(feed.kind, order, generation.id)
    return generation_named(order, generation.id)


def generation_named(order: PostOrder, generation_id: int) -> str:
    return f"{order}:{generation_id:x}"


async def head_of_page(info: Info, feed: Feed, page: FeedPage, top: Key | None) -> HeadRow:
    """Where a page stands. `top`: the key of its first item, if it begins with the newest."""

    async def tip(info: Info) -> Key | None:
        return top or await newest(info, feed)

    if page.read_at is not None:
        return HeadRow(feed, News(await read_then(info, page.read_at)), tip)
    generation = await generation_of(info, feed)
    if page.snapshot is not None:
        generation = generation_named(feed.order, page.snapshot.generation.id)
    return HeadRow(feed, News(at_tip(await info.context.polling.tail.caught_up(), generation)), tip)


async def read_then(info: Info, read_at: ReadAt) -> Stands:
    """In a database without an epoch, the first who polls gives it one; what was read before is of the same history."""
    epoch = read_at.epoch if read_at.epoch is not None else (await info.context.polling.tail.caught_up(0)).epoch
    return Stands(epoch, Snapshot.parse(read_at.snapshot), read_at.clock_us)


async def newest(info: Info, feed: Feed) -> Key | None:
    page = await info.context.loaders.load(loaders.feeds.pages, FeedPart(feed, Slice(1)))
    return page.items[0].key if page.items else None
