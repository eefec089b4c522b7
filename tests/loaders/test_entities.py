"""What a process keeps of users, tags and categories is what the database says, as of the last look at the log."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from sqlalchemy import Executable, delete, func, insert, literal, select, update

from feed_service import loaders, models
from feed_service.commands import account_deletion, moderation, profiles
from feed_service.commands.bulk import stored_users
from feed_service.commands.transaction import Transaction
from feed_service.loaders.batching import BatchFunction
from feed_service.loaders.entities import Entities
from feed_service.loaders.reads import Reads
from feed_service.queries import users
from feed_service.queries.prepared import for_ids
from feed_service.queries.tail import MOST_EVENTS
from feed_service.viewer import ANONYMOUS, Role, Viewer
from tests.api import Api, api_on, viewer_of
from tests.world import World

WHOEVER = loaders.users.whoever_by_id
LONG_S = 3_600.0
"""The log counts as read until it is read again: no test here depends on how fast it runs."""


class Processes(NamedTuple):
    """Two that keep entities."""

    one: Api
    other: Api


@pytest_asyncio.fixture
async def processes(empty_database_url: str) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as beside:
        both = Processes(*[await beside.enter_async_context(api_on(empty_database_url)) for _ in range(2)])
        for api in both:
            api.entities = Entities(api.polling.tail, known_s=LONG_S)
            await api.polling.tail.caught_up(0)
        yield both


async def shown(api: Api, row_id: int, batch: BatchFunction[int, [], Any] = WHOEVER) -> tuple[Any, ...] | None:
    """All columns of the row as a request of this process gets it."""
    (row,) = await batch(api.context(ANONYMOUS).loaders.reader, [row_id])
    return None if row is None else values_of(row)


def values_of(row: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any row.
    return tuple(getattr(row, column.name) for column in getattr(models, type(row).__name__).__table__.c)


async def stored(world: World, row_id: int, model: type[models.Base] = models.User) -> tuple[Any, ...]:
    async with world.engine.connect() as connection:
        found = await connection.execute(select(model.__table__).where(model.__table__.c.id == row_id))
        return tuple(found.one())


async def write(world: World, *statements: Executable) -> None:
    """In one transaction, of which nobody is told."""
    async with world.engine.begin() as connection:
        for statement in statements:
            await connection.execute(statement)


def to_name(name: str) -> Executable:
    return update(models.User).values(display_name=name)


async def read(api: Api, ids: list[int]) -> Any:  # noqa: ANN401 - rows.
    """As the database tells them, whatever is kept."""
    return await api.database.scalars(*for_ids(users.whoever_by_ids, ids))


async def renamed_by_bulk(tx: Transaction, name: str) -> None:
    (person,) = await stored_users.lock_people(tx, [name], [])
    person.profile = person.profile | {"display_name": "Annie"}
    await stored_users.change_people(tx, [person])


async def test_a_change_is_seen_at_once_where_it_was_made_and_elsewhere_with_the_log(
    processes: Processes, world: World
) -> None:
    (one, other), ann, mod = processes, await world.user("ann"), await world.user("mod", role="moderator")
    own, operator = viewer_of(ann), Viewer(None)
    changes: list[tuple[Viewer, Callable[..., Awaitable[Any]], tuple[Any, ...]]] = [
        (own, profiles.update_profile, ({"display_name": "Anne", "bio": "Bread."},)),
        (viewer_of(mod), moderation.suspend_user, (ann.id, "Spam.")),
        (viewer_of(mod), moderation.restore_user, (ann.id,)),
        (operator, moderation.set_role, ("ann", Role.MODERATOR)),
        (operator, renamed_by_bulk, ("ann",)),
        (own, account_deletion.delete_account, ()),
        (operator, account_deletion.profile, (ann.id,)),
    ]
    for viewer, command, arguments in changes:
        before = await shown(other, ann.id)
        await one.context(viewer).write(command, *arguments)
        now = await stored(world, ann.id)
        assert (await shown(one, ann.id), await shown(other, ann.id)) == (now, before), command
        assert now != before, command
        await other.polling.tail.caught_up(0)
        assert await shown(other, ann.id) == now, command
    assert other.entities.users.tally.dropped == len(changes)


async def test_what_the_log_does_not_tell_empties_the_memory(processes: Processes, world: World) -> None:
    """An import, which begins another epoch; more events than one read takes in; events forgotten before a read."""
    _, other = processes
    ann = await world.user("ann")
    numbers = select(literal("post"), literal("test"), func.generate_series(0, MOST_EVENTS))
    silences: dict[str, Executable] = {
        "Anne": delete(models.FeedEpoch),
        "Annie": insert(models.ChangeLog).from_select(["kind", "action", "subject_id"], numbers),
        "Anna": insert(models.ChangeLogHorizon).values(xid=func.pg_current_xact_id()),
    }
    for name, silence in silences.items():
        before = await shown(other, ann.id)
        await write(world, to_name(name), silence)
        assert await shown(other, ann.id) == before
        await other.polling.tail.caught_up(0)
        assert await shown(other, ann.id) == await stored(world, ann.id) != before, name


async def test_tags_and_categories_are_kept_as_users_are(processes: Processes, world: World) -> None:
    _, other = processes
    await world.tag("cats")
    await world.add(models.Category(slug="pets", name="Pets"))
    cases: list[tuple[str, type[models.Tag | models.Category], BatchFunction[int, [], Any]]] = [
        ("tag", models.Tag, loaders.tags.by_id),
        ("category", models.Category, loaders.tags.category_by_id),
    ]
    for kind, model, batch in cases:
        before = await shown(other, 1, batch)
        event = insert(models.ChangeLog).values(kind=kind, action="update", subject_id=1)
        await write(world, update(model).values(name="Another"), event)
        assert await shown(other, 1, batch) == before
        await other.polling.tail.caught_up(0)
        assert await shown(other, 1, batch) == await stored(world, 1, model) != before


@pytest.mark.parametrize("is_told", [True, False], ids=["an event", "another epoch"])
async def test_what_was_read_before_a_change_is_not_kept_after_it(
    processes: Processes, world: World, *, is_told: bool
) -> None:
    """Read, changed, told, and only then put: the order in which an old row would stay for ever."""
    one, other = processes
    ann, bob = await world.user("ann"), await world.user("bob")

    async def overtaken(ids: list[int]) -> Any:  # noqa: ANN401 - rows.
        rows = await read(other, ids)
        await one.context(viewer_of(ann)).write(profiles.update_profile, {"display_name": "Anne"})
        if not is_told:
            await write(world, delete(models.FeedEpoch))
        await other.polling.tail.caught_up(0)
        return rows

    old = await other.entities.users.by_id([ann.id, bob.id], overtaken, Reads())
    assert [row.display_name for row in old if row] == ["Ann", "Bob"], "of a time when the load had begun"
    assert len(other.entities.users) == int(is_told), "bob at most"
    assert await shown(other, ann.id) == await stored(world, ann.id)


async def test_the_memory_is_passed_over_until_the_log_was_read_after_the_last_write_here(
    processes: Processes, world: World
) -> None:
    """No command told of these changes, so that what is kept can be told from what is read."""
    _, other = processes
    ann = await world.user("ann")
    before = await shown(other, ann.id)
    await write(world, to_name("Anne"))
    now = await stored(world, ann.id)
    assert await shown(other, ann.id) == before
    other.is_fresh = True
    assert await shown(other, ann.id) == now, "a request with the token of a write"
    other.is_fresh = False
    await write(world, to_name("Annie"))
    other.polling.tail.outdate()
    assert await shown(other, ann.id) == await stored(world, ann.id), "a request after a write of this process"
    tally = other.entities.users.tally
    assert (tally.hits, tally.misses, tally.passed, tally.dropped) == (1, 1, 2, 0)


async def test_a_row_is_as_of_the_beginning_of_the_request_or_later(processes: Processes, world: World) -> None:
    """However long the request takes. With a tolerance of nothing no other clock has a say."""
    _, other = processes
    ann = await world.user("ann")
    other.entities = Entities(other.polling.tail, known_s=0.0)
    reader = other.context(ANONYMOUS).loaders.reader
    (before,) = await WHOEVER(reader, [ann.id])
    await write(world, to_name("Anne"))
    await other.polling.tail.caught_up(0)
    assert (await WHOEVER(reader, [ann.id])) == [before], "the log was read after it began"
    assert await shown(other, ann.id) == await stored(world, ann.id), "but before this one did"
    tally = other.entities.users.tally
    assert (tally.hits, tally.passed) == (1, 2)


async def test_it_is_asked_only_for_what_is_not_kept(processes: Processes, world: World) -> None:
    _, other = processes
    people = [await world.user(name) for name in ("ann", "bob", "cat")]
    ids, asked = [person.id for person in people], list[list[int]]()

    async def noted(wanted: list[int]) -> Any:  # noqa: ANN401 - rows.
        asked.append(wanted)
        return await read(other, wanted)

    kept = partial(other.entities.users.by_id, load=noted, reads=Reads())
    await kept(ids[1:2])
    found = await kept([*ids, ids[0]])
    assert [row and row.id for row in found] == [*ids, ids[0]]
    assert [row and row.id for row in await kept([ids[2], 77, ids[1]])] == [ids[2], None, ids[1]]
    assert asked == [[ids[1]], [ids[0], ids[2], ids[0]], [77]]
