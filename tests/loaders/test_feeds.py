"""Pages of feeds: walks in both directions, filters, rankings that stand still, and why a post is or is not there."""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service import models
from feed_service.cache import read_through
from feed_service.database import ReadDatabase, create_engine
from feed_service.errors import BadUserInput, InvalidCursor
from feed_service.loaders import feeds
from feed_service.loaders.batching import Reader
from feed_service.loaders.feeds import Feed, FeedPage, FeedPart
from feed_service.paging import Cursors, Key, Slice
from feed_service.queries.feed_filters import FeedFilter
from feed_service.queries.feeds import ALLOWED_ORDERS
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import FeedEmptyReason, FeedKind, PostOrder, TimeWindow
from tests.queries.feed_world import FeedWorld, write_posts

EVERY_FEED = [(kind, order) for kind, orders in ALLOWED_ORDERS.items() for order in orders]
VIEWER, LONER = 2, 4
"""Somebody who follows half of all, and somebody who follows nothing."""


@pytest_asyncio.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(empty_database_url, pool_size=2)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def world(engine: AsyncEngine) -> FeedWorld:
    world = FeedWorld(random.Random(11))  # noqa: S311 - a world that is the same every time.
    await world.write(engine)
    return world


@pytest_asyncio.fixture
async def read_as(empty_database_url: str) -> AsyncIterator[Callable[[int | None], Reader]]:
    database = ReadDatabase.connect(empty_database_url, pool_size=2)
    yield lambda user_id: Reader(database, read_through.connect("memory://"), Viewer(user_id) if user_id else ANONYMOUS)
    await database.close()


ReadAs = Callable[[int | None], Reader]


async def page_of(reader: Reader, feed: Feed, part: Slice) -> FeedPage:
    (page,) = await feeds.pages(reader, [FeedPart(feed, part)])
    return page


async def walk(reader: Reader, feed: Feed, size: int, *, backwards: bool = False) -> AsyncIterator[list[int]]:
    """The ids of one page after the other, each in reading direction, as a client with cursors walks."""
    part = Slice(size, backwards)
    while True:
        page = await page_of(reader, feed, part)
        items = page.items[::-1] if backwards else page.items
        yield [item.id for item in items]
        if not page.has_more:
            return
        end: Key = page.reached or items[-1].key
        part = replace(part, before=end) if backwards else replace(part, after=end)


async def whole(reader: Reader, feed: Feed, size: int, *, backwards: bool = False) -> list[int]:
    found = [post_id async for page in walk(reader, feed, size, backwards=backwards) for post_id in page]
    return found[::-1] if backwards else found


@pytest.mark.parametrize(("kind", "order"), EVERY_FEED)
async def test_a_walk_visits_each_post_once_in_both_directions(
    world: FeedWorld, read_as: ReadAs, kind: FeedKind, order: PostOrder
) -> None:
    feed = feeds.feed(kind, order, FeedFilter(), None)
    expected = [post_id for post_id, _ in world.items(VIEWER, kind, order)]
    for backwards in (False, True):
        assert await whole(read_as(VIEWER), feed, 4, backwards=backwards) == expected


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("bound", [7, 5_000])
async def test_a_filter_keeps_what_passes_and_goes_on_from_where_it_stopped(
    world: FeedWorld, read_as: ReadAs, monkeypatch: pytest.MonkeyPatch, bound: int, *, backwards: bool
) -> None:
    monkeypatch.setattr(feeds, "MAX_CANDIDATES", bound)
    authors = (12, 13, 14)
    wanted = FeedFilter(tags=("tag1", "tag2"), exclude_tags=("tag3",), authors=authors)
    feed = feeds.feed(FeedKind.GLOBAL, None, wanted, None)
    expected = [
        post_id
        for post_id, _ in world.items(VIEWER, FeedKind.GLOBAL, PostOrder.NEWEST)
        if world.tags_of[post_id] & {1, 2}
        and 3 not in world.tags_of[post_id]
        and world.posts[post_id - 1]["author_id"] in authors
    ]
    assert expected
    assert await whole(read_as(VIEWER), feed, 2, backwards=backwards) == expected


@pytest.mark.parametrize("kind", [FeedKind.HOME, FeedKind.FOLLOWING_USERS, FeedKind.FOLLOWING_TAGS])
async def test_a_walk_stays_whole_while_others_write_and_the_viewer_follows(
    engine: AsyncEngine, world: FeedWorld, read_as: ReadAs, kind: FeedKind
) -> None:
    feed, before = feeds.feed(kind, None, FeedFilter(), None), world.items(VIEWER, kind, PostOrder.NEWEST)
    seen: list[int] = []
    kept = replace(world, follows=set(world.follows), tag_follows=set(world.tag_follows))
    async for page in walk(read_as(VIEWER), feed, 3):
        seen += page
        number = len(world.posts) + 1
        world.posts.append(world.new_post(number))
        world.tags_of[number] = {1, 2}
        await write_posts(engine, world.posts[-1:], world.tags_of)
        await turn_follows(engine, world, kept)
    after = {post_id for post_id, _ in world.items(VIEWER, kind, PostOrder.NEWEST)}
    always = [post_id for post_id, _ in before if post_id in after]
    assert len(set(seen)) == len(seen)
    assert [post_id for post_id in seen if post_id in set(always)] == always


async def turn_follows(engine: AsyncEngine, world: FeedWorld, kept: FeedWorld) -> None:
    """The viewer follows an author and a tag, or stops to; those of the beginning stay followed."""
    user, tag = world.random.choice(range(5, 15)), world.random.choice(range(1, 7))
    async with engine.begin() as connection:
        for pair, now, always, model, names in (
            ((VIEWER, user), world.follows, kept.follows, models.UserFollow, ("follower_id", "followee_id")),
            ((VIEWER, tag), world.tag_follows, kept.tag_follows, models.TagFollow, ("user_id", "tag_id")),
        ):
            if pair in always:
                continue
            values = dict(zip(names, pair, strict=True))
            if pair in now:
                await connection.execute(delete(model).filter_by(**values))
                now.remove(pair)
            else:
                await connection.execute(insert(model).values(values))
                now.add(pair)


@pytest.mark.parametrize("order", [PostOrder.HOT, PostOrder.TOP])
async def test_later_posts_do_not_move_a_ranking_that_is_being_read(
    engine: AsyncEngine, world: FeedWorld, read_as: ReadAs, order: PostOrder
) -> None:
    feed = feeds.feed(FeedKind.GLOBAL, order, FeedFilter(), TimeWindow.DAY)
    expected = await whole(read_as(VIEWER), feed, 100)
    seen: list[int] = []
    async for page in walk(read_as(VIEWER), feed, 5):
        seen += page
        number = len(world.posts) + 1
        hit = {"author_id": VIEWER, "like_count": 99, "deleted_at": None, "status": "published"}
        world.posts.append(world.new_post(number) | hit | {"published_at": world.start + timedelta(seconds=number)})
        world.tags_of[number] = set()
        await write_posts(engine, world.posts[-1:], world.tags_of)
    assert seen == expected


async def test_a_ranking_holds_its_window_only(world: FeedWorld, read_as: ReadAs) -> None:
    feed = feeds.feed(FeedKind.GLOBAL, PostOrder.TOP, FeedFilter(), TimeWindow.HOUR)
    fresh = {post["id"] for post in world.posts if post["published_at"] > world.start - timedelta(minutes=59)}
    listed = {post_id for post_id, _ in world.items(VIEWER, FeedKind.GLOBAL, PostOrder.NEWEST)}
    assert set(await whole(read_as(VIEWER), feed, 10)) == fresh & listed


def test_a_cursor_is_good_for_its_own_feed_only() -> None:
    def made(kind: FeedKind, order: PostOrder, tag: str, window: TimeWindow | None = None) -> Feed:
        return feeds.feed(kind, order, FeedFilter(tags=(tag,)), window)

    own = made(FeedKind.HOME, PostOrder.NEWEST, "a")
    key, cursors = (FeedWorld(random.Random(1)).start, 7), Cursors(b"a secret")  # noqa: S311
    cursor = cursors.encode(own.cursor_order, key)
    assert cursors.decode(made(FeedKind.HOME, PostOrder.NEWEST, "a").cursor_order, cursor) == key
    for other in (
        made(FeedKind.GLOBAL, PostOrder.NEWEST, "a"),
        made(FeedKind.HOME, PostOrder.OLDEST, "a"),
        made(FeedKind.HOME, PostOrder.NEWEST, "b"),
        made(FeedKind.HOME, PostOrder.NEWEST, "a", TimeWindow.DAY),
    ):
        with pytest.raises(InvalidCursor):
            cursors.decode(other.cursor_order, cursor)


@pytest.mark.parametrize(
    ("kind", "order", "window", "named"),
    [
        (FeedKind.POPULAR, PostOrder.NEWEST, None, "HOT, TOP"),
        (FeedKind.DISCUSSED, PostOrder.HOT, None, "NEWEST_ACTIVITY, MOST_COMMENTED"),
        (FeedKind.HOME, PostOrder.MOST_COMMENTED, None, "NEWEST, OLDEST, HOT, TOP"),
        (FeedKind.HOME, PostOrder.HOT, TimeWindow.MONTH, "HOUR, DAY or WEEK"),
        (FeedKind.GLOBAL, PostOrder.TOP, TimeWindow.ALL, "HOUR, DAY or WEEK"),
    ],
)
def test_what_a_feed_does_not_offer_is_refused_with_what_it_does(
    kind: FeedKind, order: PostOrder, window: TimeWindow | None, named: str
) -> None:
    with pytest.raises(BadUserInput, match=named):
        feeds.feed(kind, order, FeedFilter(), window)


@pytest.mark.parametrize(
    ("viewer", "kind", "wanted", "after_end", "reason"),
    [
        (None, FeedKind.HOME, FeedFilter(), False, FeedEmptyReason.ANONYMOUS),
        (LONER, FeedKind.FOLLOWING_USERS, FeedFilter(), False, FeedEmptyReason.NO_FOLLOWS),
        (VIEWER, FeedKind.HOME, FeedFilter(category="none"), False, FeedEmptyReason.ALL_FILTERED),
        (VIEWER, FeedKind.HOME, FeedFilter(), True, FeedEmptyReason.END_OF_FEED),
        (None, FeedKind.GLOBAL, FeedFilter(), True, FeedEmptyReason.END_OF_FEED),
    ],
)
async def test_an_empty_page_says_why(
    world: FeedWorld,
    read_as: ReadAs,
    viewer: int | None,
    kind: FeedKind,
    wanted: FeedFilter,
    after_end: bool,
    reason: FeedEmptyReason,
) -> None:
    feed = feeds.feed(kind, None, wanted, None)
    part = Slice(5, after=(world.start - timedelta(days=9), 1) if after_end else None)
    assert (await page_of(read_as(viewer), feed, part)).items == []
    assert await feeds.empty_reason(read_as(viewer), feed, part) is reason


async def test_a_feed_of_silent_followees_has_no_posts(engine: AsyncEngine, read_as: ReadAs) -> None:
    async with engine.begin() as connection:
        people = [{"id": number, "username": f"user{number}", "display_name": ""} for number in (1, 2)]
        await connection.execute(insert(models.User), people)
        await connection.execute(insert(models.UserFollow), [{"follower_id": 1, "followee_id": 2}])
    for kind in FeedKind.FOLLOWING_USERS, FeedKind.HOME, FeedKind.GLOBAL:
        feed = feeds.feed(kind, None, FeedFilter(), None)
        assert await feeds.empty_reason(read_as(1), feed, Slice(5)) is FeedEmptyReason.NO_POSTS


async def test_every_post_of_a_home_feed_has_its_reasons(world: FeedWorld, read_as: ReadAs) -> None:
    ids = [post_id for post_id, _ in world.items(VIEWER, FeedKind.HOME, PostOrder.NEWEST)]
    for post_id, why in zip(ids, await feeds.reasons_by_post_id(read_as(VIEWER), ids), strict=True):
        author = world.posts[post_id - 1]["author_id"]
        followed_tags = sorted(tag for tag in world.tags_of[post_id] if (VIEWER, tag) in world.tag_follows)
        assert why == feeds.Reasons((VIEWER, author) in world.follows, followed_tags)
        assert why.is_author_followed or why.tag_ids or author == VIEWER
