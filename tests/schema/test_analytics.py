"""What authors and admins are told of engagement is what a recount of the rows, one by one, finds."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, text

from feed_service import loaders, models
from feed_service.queries.analytics import CHANGES, MOST_POSTS
from feed_service.queries.windows import COUNTS
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import AnalyticsWindow
from tests.api import Api, Refused, api_on
from tests.world import NEVER, World, world_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime.now(UTC)
THIS_HOUR = NOW.replace(minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
AUTHORS, TAGS, CATEGORIES = range(1, 9), range(1, 6), range(1, 5)
NOTHING = {"authors": 8, "tags": 5, "categories": 4, "nobody": 999}
"""Subjects without a post; the last does not even exist."""

SUSPENDED, BLOCKED, READERS = 3, 20, range(20, 40)
VIEWS_SINCE = 70 * DAY
BORDERS = [days * DAY + part for days in (7, 14, 30, 60, 90, 180) for part in (-timedelta(hours=1), timedelta(hours=1))]


def leaves_soon(hour: datetime) -> bool:
    """Whether a window leaves it behind while the tests are run, which begin long after this module was read."""
    return any(timedelta() <= hour - (NOW - days * DAY) < timedelta(minutes=30) for days in (7, 14, 30, 60, 90, 180))


class Rows:
    """Everything that happened, as rows for the tables."""

    def __init__(self) -> None:
        self.random = Random(6)  # noqa: S311 - a seeded world.
        self.posts = [self.post(number) for number in range(1, 61)]
        self.tagged = [
            {name: post[name] for name in ("author_id", "published_at")}
            | {"post_id": post["id"], "tag_id": tag, "is_deleted": post["deleted_at"] is not None}
            for post in self.posts
            for tag in self.random.sample(range(1, 5), self.random.randrange(4))
        ]
        pairs = [(reader, post["id"]) for reader in READERS for post in self.posts if self.random.random() < 0.3]
        self.likes: list[dict[str, Any]] = [
            {"user_id": user, "post_id": post, "created_at": self.moment()} for user, post in pairs
        ]
        self.comments = [self.comment(number) for number in range(1, 301)]
        hours = [self.moment().replace(minute=0, second=0, microsecond=0) for _ in range(400)]
        seen = {(hour, self.any_post(), self.random.choice(READERS)) for hour in hours if not leaves_soon(hour)}
        self.views: list[dict[str, Any]] = [dict(zip(("hour", "post_id", "user_id"), one, strict=True)) for one in seen]
        follows = [(follower, author) for follower in READERS for author in AUTHORS if self.random.random() < 0.6]
        self.follows: list[dict[str, Any]] = [
            {"follower_id": follower, "followee_id": author, "created_at": self.moment()}
            for follower, author in follows
        ]

    def moment(self) -> datetime:
        """Often just before or after the borders of windows."""
        if self.random.random() < 0.4:
            return NOW - self.random.choice(BORDERS)
        return NOW - self.random.uniform(0.1, 200) * DAY

    def any_post(self) -> int:
        return int(self.random.choice(self.posts)["id"])

    def post(self, number: int) -> dict[str, Any]:
        status = self.random.choice(["published"] * 8 + ["draft", "scheduled"])
        at = {"draft": NEVER, "scheduled": NOW + DAY}.get(status) or self.moment()
        return {
            "id": number, "author_id": self.random.randrange(1, 8), "slug": f"post-{number}", "title": "", "body": "",
            "category_id": self.random.choice([None, 1, 2, 3]), "status": status, "published_at": at,
            "deleted_at": NOW if self.random.random() < 0.1 else None,
        }  # fmt: skip

    def comment(self, number: int) -> dict[str, Any]:
        deleted = NOW if self.random.random() < 0.1 else None
        return {
            "id": number, "post_id": self.any_post(), "author_id": self.random.choice(READERS[:6]), "body": "",
            "path": number.to_bytes(16, "big"), "created_at": self.moment(), "deleted_at": deleted,
        }  # fmt: skip

    async def write(self, world: World) -> None:
        people = [{"id": number, "username": f"u{number}", "display_name": ""} for number in [*AUTHORS, *READERS]]
        tags, sections = (
            [{"id": number, "slug": f"{kind}{number}", "name": ""} for number in numbers]
            for kind, numbers in (("tag", TAGS), ("category", CATEGORIES))
        )
        rows: list[tuple[type[models.Base], list[dict[str, Any]]]] = [
            (models.User, people), (models.Tag, tags), (models.Category, sections), (models.Post, self.posts),
            (models.PostTag, self.tagged), (models.PostLike, self.likes), (models.Comment, self.comments),
            (models.PostView, self.views), (models.UserFollow, self.follows),
            (models.Block, [{"blocker_id": 1, "blocked_id": BLOCKED}]),
        ]  # fmt: skip
        async with world.engine.begin() as connection:
            for model, values in rows:
                await connection.execute(insert(model), values)
            await connection.execute(text(f"UPDATE users SET suspended_at = now() WHERE id IN ({SUSPENDED}, 21)"))  # noqa: S608
            for name in ("users", "tags", "categories", "posts", "comments"):
                await connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 1000)"))
            await connection.execute(text("UPDATE view_horizon SET since = :at"), {"at": NOW - VIEWS_SINCE})


def counted(rows: Rows, posts: Iterable[dict[str, Any]], begin: datetime, end: datetime) -> dict[str, Any]:
    """One by one, without a thought of how a database would do it."""
    shown = [post for post in posts if post["deleted_at"] is None and post["published_at"] <= NOW]
    live: dict[int, Any] = {post["id"]: post for post in shown}

    def within(moment: datetime) -> bool:
        return begin < moment <= end

    comments = [
        comment for comment in rows.comments
        if comment["post_id"] in live and comment["deleted_at"] is None and within(comment["created_at"])
    ]  # fmt: skip
    return {
        "post_count": sum(within(post["published_at"]) for post in live.values()),
        "like_count": sum(like["post_id"] in live and within(like["created_at"]) for like in rows.likes),
        "comment_count": len(comments),
        "unique_commenter_count": len({comment["author_id"] for comment in comments}),
        "view_count": sum(view["post_id"] in live and within(view["hour"]) for view in rows.views),
    }


def posts_of(rows: Rows, kind: str, subject: int) -> list[dict[str, Any]]:
    if kind == "tags":
        ids = {one["post_id"] for one in rows.tagged if one["tag_id"] == subject}
        return [post for post in rows.posts if post["id"] in ids]
    return [post for post in rows.posts if post[{"authors": "author_id", "categories": "category_id"}[kind]] == subject]


def part_of(part: int, whole: int) -> float | None:
    return round(part / whole + 1e-12, 3) if whole else None


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(module_database_url: str, rows: Rows) -> AsyncIterator[World]:
    async with world_on(module_database_url) as world:
        await rows.write(world)
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(module_database_url: str, world: World) -> AsyncIterator[Api]:  # noqa: ARG001 - it is filled first.
    async with api_on(module_database_url) as api:
        yield api


DAILY = ("post_count", "like_count", "comment_count", "view_count", "new_follower_count")

BATCHES: dict[str, Any] = {
    "authors": loaders.analytics.by_author_id,
    "tags": loaders.analytics.by_tag_id,
    "categories": loaders.analytics.by_category_id,
}


@pytest.mark.parametrize("window", AnalyticsWindow)
@pytest.mark.parametrize("kind", BATCHES)
async def test_every_subject_is_told_what_a_recount_finds(
    api: Api, rows: Rows, kind: str, window: AnalyticsWindow
) -> None:
    ids = [*{"authors": AUTHORS, "tags": TAGS, "categories": CATEGORIES}[kind], NOTHING["nobody"]]
    found = await BATCHES[kind](api.context(ANONYMOUS).loaders.reader, ids, window)
    assert [row.subject_id for row in found] == ids
    for row in found:
        assert row.since == row.as_of - window.value
        expected = recounted(rows, kind, row.subject_id, row, window.value)
        for part, numbers in expected.items():
            assert {name: getattr(getattr(row, part), name) for name in numbers} == numbers, (row.subject_id, part)
        has_something = any(getattr(part, name) for part in (row.totals, row.before) for name in COUNTS)
        assert has_something == (row.subject_id not in {NOTHING[kind], NOTHING["nobody"]})
        assert not row.is_capped


def recounted(rows: Rows, kind: str, subject: int, row: Any, length: timedelta) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - a row.
    numbers = []
    for begin, end in ((row.since, row.as_of), (row.since - length, row.since)):
        found = counted(rows, posts_of(rows, kind, subject), begin, end)
        reactions = found["like_count"] + found["comment_count"]
        is_known = begin >= NOW - VIEWS_SINCE
        if kind == "authors":
            found["new_follower_count"] = sum(
                one["followee_id"] == subject and begin < one["created_at"] <= end for one in rows.follows
            )
        numbers.append(found | {"reactions_per_view": part_of(reactions, found["view_count"]) if is_known else None})
    now, before = numbers
    if kind != "authors":
        assert row.totals.new_follower_count is row.before.new_follower_count is None
    grown = {CHANGES[name]: part_of(now[name] - before[name], before[name]) for name in now if name in CHANGES}
    if row.since - length < NOW - VIEWS_SINCE:
        grown["views"] = None
    return {"totals": now, "before": before, "change": grown}


PARTS: dict[str, Any] = {
    "tags": loaders.analytics.tags_by_author_id,
    "categories": loaders.analytics.categories_by_author_id,
    "posts": loaders.analytics.posts_by_author_id,
}


@pytest.mark.parametrize("kind", PARTS)
async def test_an_author_s_parts_are_told_what_a_recount_finds(api: Api, rows: Rows, kind: str) -> None:
    window = AnalyticsWindow.DAYS_30
    found = await PARTS[kind](api.context(ANONYMOUS).loaders.reader, [*AUTHORS], window)
    for author, parts in zip(AUTHORS, found, strict=True):
        theirs: dict[int, list[Any]] = defaultdict(list)
        for post in posts_of(rows, "authors", author):
            tags = [one["tag_id"] for one in rows.tagged if one["post_id"] == post["id"]]
            for key in {"tags": tags, "categories": [post["category_id"]], "posts": [post["id"]]}[kind]:
                theirs[key].append(post)
        theirs.pop(None, None)  # type: ignore[call-overload]
        expected = [(key, counted(rows, posts, NOW - window.value, NOW)) for key, posts in theirs.items()]
        happened = [one for one in expected if any(one[1].values())]
        happened.sort(key=lambda one: order_of(*one), reverse=True)
        assert [(part.part_id, {name: getattr(part.engagement, name) for name in COUNTS}) for part in parts] == happened


@pytest.mark.parametrize("window", AnalyticsWindow)
async def test_the_days_of_a_window_add_up(api: Api, rows: Rows, window: AnalyticsWindow) -> None:
    reader = api.context(ANONYMOUS).loaders.reader
    totals = await loaders.analytics.by_author_id(reader, [*AUTHORS], window)
    found = await loaders.analytics.days_by_author_id(reader, [*AUTHORS], window)
    for row, days in zip(totals, found, strict=True):
        assert len(days) == window.value.days
        borders = [days[0].since, *(day.until for day in days)]
        assert [day.since for day in days] == borders[:-1]
        assert {end - begin for begin, end in pairwise(borders)} == {DAY}
        for name in DAILY:
            assert sum(getattr(day, name) for day in days) == getattr(row.totals, name)
        for day in days:
            expected = counted(rows, posts_of(rows, "authors", row.subject_id), day.since, day.until)
            assert {name: getattr(day, name) for name in DAILY[:4]} == {name: expected[name] for name in DAILY[:4]}


def order_of(key: int, numbers: dict[str, int]) -> tuple[int, ...]:
    return numbers["like_count"] + numbers["comment_count"], numbers["view_count"], numbers["post_count"], key


DASHBOARD = """query ($window: AnalyticsWindow = DAYS_30, $first: Int = 10) { viewer { analytics(window: $window) {
    since asOf viewsSince isCapped totals { ...N } before { ...N } change { posts likes comments views newFollowers }
    byTag(first: $first) { tag { slug } engagement { ...N } }
    byCategory(first: $first) { category { slug } engagement { ...N } }
    byDay { since until postCount likeCount commentCount viewCount newFollowerCount }
    topPosts(first: $first) { post { slug stats { likeCount } } engagement { ...N } } } } }
fragment N on Engagement { postCount likeCount commentCount uniqueCommenterCount viewCount reactionsPerView
    newFollowerCount }"""


async def test_three_comments_four_likes_and_five_views_are_no_product(api: Api, world: World) -> None:
    """Of one post with two tags, of an author for whom nothing else has happened."""
    ann = await world.user("ann")
    tags = [await world.tag(slug) for slug in ("tea", "bread")]
    section = await world.add(models.Category(slug="kitchen", name=""))
    post = await world.post(ann, at=NOW - 40 * DAY, tags=(tags[0], tags[1]), category_id=section.id, slug="one")
    await world.post(ann, at=NOW - 3 * DAY, slug="two")
    people = [await world.user(f"reader{number}") for number in range(5)]
    for reader in people[:4]:
        await world.like(reader, post)
        await world.follow(reader, ann)
    for reader in (*people[:2], ann):
        await world.comment(reader, post, at=NOW - DAY)
    for reader in people:
        await world.add(
            models.PostView(hour=NOW.replace(minute=0, second=0, microsecond=0), post_id=post.id, user_id=reader.id)
        )
    told = (await api(DASHBOARD, ann))["viewer"]["analytics"]
    of_one = {
        "postCount": 0, "likeCount": 4, "commentCount": 3, "uniqueCommenterCount": 3, "viewCount": 5,
        "reactionsPerView": 1.4, "newFollowerCount": None,
    }  # fmt: skip
    nothing = dict.fromkeys(of_one, 0) | {"reactionsPerView": None, "newFollowerCount": None}
    assert told["totals"] == of_one | {"postCount": 1, "newFollowerCount": 4}
    assert told["before"] == nothing | {"postCount": 1, "newFollowerCount": 0}
    assert told["change"] == {"posts": 0, "likes": None, "comments": None, "views": None, "newFollowers": None}
    assert [(each["tag"]["slug"], each["engagement"]) for each in told["byTag"]] == [("bread", of_one), ("tea", of_one)]
    assert told["byCategory"] == [{"category": {"slug": "kitchen"}, "engagement": of_one}]
    two = {"post": {"slug": "two", "stats": {"likeCount": 0}}, "engagement": nothing | {"postCount": 1}}
    assert told["topPosts"][1] == two
    assert (told["topPosts"][0]["post"]["slug"], told["topPosts"][0]["engagement"]) == ("one", of_one)
    assert not told["isCapped"]
    assert [day["likeCount"] for day in told["byDay"]] == [0] * 29 + [4]
    begin, end = (datetime.fromisoformat(told[name]) for name in ("since", "asOf"))
    assert end - begin == 30 * DAY
    assert datetime.fromisoformat(told["viewsSince"]) == NOW - VIEWS_SINCE


async def test_only_so_many_are_told_of_and_nobody_of_nobody(api: Api) -> None:
    one = (await api(DASHBOARD, Viewer(1), first=1))["viewer"]["analytics"]
    assert [len(one[name]) for name in ("byTag", "byCategory", "topPosts")] == [1, 1, 1]
    assert (await api(DASHBOARD))["viewer"] is None
    for first in (0, 51):
        with pytest.raises(Refused, match="first must be between 1 and 50"):
            await api(DASHBOARD, Viewer(1), first=first)


async def test_the_newest_posts_alone_are_looked_at(api: Api, world: World) -> None:
    """An author of one post more than that has the oldest left out, and is told so."""
    busy = await world.user("busy")
    posts = text(
        "INSERT INTO posts (id, author_id, slug, title, body, status, published_at) SELECT 5000 + n, :author,"
        " 'busy-' || n, '', '', 'published', now() - n * interval '1 minute' FROM generate_series(0, :most) n"
    )
    async with world.engine.begin() as connection:
        await connection.execute(posts, {"author": busy.id, "most": MOST_POSTS})
        likes = [{"user_id": READERS[0], "post_id": 5000 + number} for number in (0, MOST_POSTS)]
        await connection.execute(insert(models.PostLike), likes)
    reader = api.context(ANONYMOUS).loaders.reader
    [found] = await loaders.analytics.by_author_id(reader, [busy.id], AnalyticsWindow.DAYS_7)
    assert (found.is_capped, found.totals.post_count, found.totals.like_count) == (True, MOST_POSTS, 1)
