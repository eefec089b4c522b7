"""What touches the feeds of a viewer, and that what is kept of them in memory is never older than the tail."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from feed_service.commands import blocks, follows
from feed_service.commands.transaction import Writer
from feed_service.database import ReadDatabase
from feed_service.polling.interests import Interest, Interests
from feed_service.polling.memory import Event
from feed_service.polling.snapshots import Snapshot
from feed_service.polling.tail import Tail
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import FeedKind
from tests.polling.processes import processes
from tests.world import World

ME, FOLLOWED, STRANGER, BLOCKED, MUTED = 1, 2, 3, 4, 5
CATS, DOGS = 70, 71
SNAPSHOT = Snapshot.parse("9:9:")
MINE = Interest(ME, SNAPSHOT, [FOLLOWED, BLOCKED], [CATS], [BLOCKED], [MUTED])
ONLY_USERS = Interest(ME, SNAPSHOT, [FOLLOWED], [], [], [])
NOBODYS = Interest(None, SNAPSHOT)

HOME, USERS, TAGS, GLOBAL = FeedKind.HOME, FeedKind.FOLLOWING_USERS, FeedKind.FOLLOWING_TAGS, FeedKind.GLOBAL
ALL = {HOME, USERS, TAGS, GLOBAL}


def post(author_id: int, was_tagged: tuple[int, ...] = (), is_tagged: tuple[int, ...] = (), **others: Any) -> Event:  # noqa: ANN401 - values of fields.
    event = Event(20, 1, 0, "post", "update", 9, author_id, author_id, 9, True, True, 1, 1, was_tagged, is_tagged)
    return event._replace(**others)


def about(kind: str, subject_id: int, action: str = "create", author_id: int | None = None) -> Event:
    return Event(20, 1, 0, kind, action, subject_id, None, author_id, None, None, None, None, None, (), ())


CASES = [
    (MINE, post(STRANGER), {GLOBAL}),
    (MINE, post(FOLLOWED), {HOME, USERS, GLOBAL}),
    (MINE, post(ME), {HOME, GLOBAL}),
    (MINE, post(STRANGER, is_tagged=(DOGS, CATS)), {HOME, TAGS, GLOBAL}),
    (MINE, post(STRANGER, was_tagged=(CATS,)), {HOME, TAGS, GLOBAL}),
    (MINE, post(BLOCKED, is_tagged=(CATS,)), set()),
    (MINE, post(MUTED, is_tagged=(CATS,)), set()),
    (MINE, post(FOLLOWED, action="due", xid=0), {HOME, USERS, GLOBAL}),
    (MINE, post(FOLLOWED, was_published_at=None, is_published_at=None), set()),
    (MINE, post(FOLLOWED, was_published_at=None), {HOME, USERS, GLOBAL}),
    (MINE, about("user", FOLLOWED, "suspend"), ALL),
    (MINE, about("user", STRANGER, "delete"), {HOME, TAGS, GLOBAL}),
    (ONLY_USERS, about("user", STRANGER, "delete"), {GLOBAL}),
    (MINE, about("user", BLOCKED, "restore"), set()),
    (MINE, about("user", FOLLOWED, "update"), set()),
    (MINE, about("user_follow", STRANGER, author_id=ME), {HOME, USERS}),
    (MINE, about("tag_follow", DOGS, author_id=ME), {HOME, TAGS}),
    (MINE, about("block", STRANGER, author_id=ME), ALL),
    (MINE, about("mute", STRANGER, "delete", author_id=ME), ALL),
    (MINE, about("block", ME, author_id=STRANGER), set()),
    (MINE, about("post_like", 9, author_id=FOLLOWED), set()),
    (NOBODYS, post(STRANGER), {GLOBAL}),
    (NOBODYS, about("mute", STRANGER, author_id=None), set()),
]


@pytest.mark.parametrize(("interest", "event", "kinds"), CASES, ids=range(len(CASES)))
def test_an_event_touches_the_feeds_that_it_may_change(interest: Interest, event: Event, kinds: set[FeedKind]) -> None:
    seen_by = ALL if interest.viewer_id else {GLOBAL}
    assert {kind for kind in seen_by if interest.touches(kind, event)} == kinds


@pytest_asyncio.fixture
async def reading(empty_database_url: str) -> AsyncIterator[ReadDatabase]:
    database = ReadDatabase.connect(empty_database_url, pool_size=2)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url, pool_size=2)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def tail(empty_database_url: str) -> AsyncIterator[Tail]:
    async with processes(empty_database_url) as another:
        yield another()


async def people(world: World, *names: str) -> list[models.User]:
    made = [await world.user(name) for name in names]
    await world.count()
    return made


async def test_an_interest_is_what_the_tables_say(world: World, reading: ReadDatabase, tail: Tail) -> None:
    ann, bob, cat, dan, eve = await people(world, "ann", "bob", "cat", "dan", "eve")
    tag = await world.tag("cats")
    await world.follow(ann, eve)
    await world.follow(ann, bob)
    await world.follow_tag(ann, tag)
    await world.block(ann, cat)
    await world.block(dan, ann)
    await world.mute(ann, bob)
    interest = await Interests(reading, tail).of(Viewer(ann.id))
    sets = (interest.author_ids, interest.tag_ids, interest.blocked_ids, interest.muted_ids)
    assert [sorted(ids) for ids in sets] == [[bob.id, eve.id], [tag.id], [cat.id, dan.id], [bob.id]]
    assert len(await Interests(reading, tail).of(ANONYMOUS)) == 0


async def test_a_kept_interest_goes_with_the_own_ties_only(
    world: World, reading: ReadDatabase, writing: WriteDatabase, tail: Tail
) -> None:
    ann, bob, cat = await people(world, "ann", "bob", "cat")
    interests, viewer = Interests(reading, tail), Viewer(ann.id)
    first = await interests.of(viewer)
    await Writer(writing, Viewer(bob.id)).run(follows.follow_user, cat.id)
    await tail.caught_up(0)
    assert await interests.of(viewer) is first, "what others follow is no concern of hers"
    await Writer(writing, viewer).run(follows.follow_user, bob.id)
    assert await interests.of(viewer) is first, "the tail has not seen it, and judges by what it has seen"
    await tail.caught_up(0)
    second = await interests.of(viewer)
    assert list(second.author_ids) == [bob.id]
    await Writer(writing, Viewer(cat.id)).run(blocks.block_user, ann.id)
    await tail.caught_up(0)
    assert list((await interests.of(viewer)).blocked_ids) == [cat.id]


class Overtaken(ReadDatabase):
    """A database that has something done after each of its reads of an interest, before it answers."""

    after: Callable[[], Any]

    async def by_driver(self, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - what the read answers.
        answer = await super().by_driver(read)
        await type(self).after()
        return answer


async def test_an_interest_that_the_tail_overtook_while_it_was_read_is_read_again(
    world: World, writing: WriteDatabase, tail: Tail, empty_database_url: str
) -> None:
    ann, bob = await people(world, "ann", "bob")
    slow, turns = Overtaken.connect(empty_database_url, pool_size=1), iter([True])

    async def follow_meanwhile() -> None:
        if next(turns, False):
            await Writer(writing, Viewer(ann.id)).run(follows.follow_user, bob.id)
            await tail.caught_up(0)

    Overtaken.after = follow_meanwhile
    await tail.caught_up(0)
    async with AsyncExitStack() as beside:
        beside.push_async_callback(slow.close)
        assert list((await Interests(slow, tail).of(Viewer(ann.id))).author_ids) == [bob.id]


async def test_those_who_asked_last_are_kept(world: World, reading: ReadDatabase, tail: Tail) -> None:
    ann, bob, cat = await people(world, "ann", "bob", "cat")
    for user in (ann, bob, cat):
        for other in (ann, bob, cat):
            if user is not other:
                await world.follow(user, other)
    interests = Interests(reading, tail, most_viewers=10, most_ids=4)
    of_ann, of_bob = [await interests.of(Viewer(user.id)) for user in (ann, bob)]
    assert await interests.of(Viewer(ann.id)) is of_ann
    await interests.of(Viewer(cat.id))
    assert await interests.of(Viewer(ann.id)) is of_ann
    assert await interests.of(Viewer(bob.id)) is not of_bob


async def test_how_long_a_feed_was_idle(
    world: World, reading: ReadDatabase, writing: WriteDatabase, tail: Tail
) -> None:
    ann, bob = await people(world, "ann", "bob")
    interests = Interests(reading, tail)
    interest = await interests.of(Viewer(ann.id))
    assert interests.idle_s(interest, HOME) is None, "nothing is known yet"
    await Writer(writing, Viewer(ann.id)).run(follows.follow_user, bob.id)
    await tail.caught_up(0)
    interest = await interests.of(Viewer(ann.id))
    idle_s = interests.idle_s(interest, HOME)
    assert idle_s is not None
    assert 0 <= idle_s < 60
    assert interests.idle_s(interest, GLOBAL) is None
