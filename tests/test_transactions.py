"""Transactions run again by themselves: PostgreSQL is made to raise each fault that they promise to survive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Text, bindparam, make_url, select, text, update

from feed_service import models
from feed_service.errors import Overloaded, Unavailable
from feed_service.transactions import OutcomeUnknown, Statements, WriteDatabase, compiled
from tests.world import World

NAME = bindparam("name", type_=Text)
NAME_OF = compiled(select(models.User.display_name).where(models.User.id == bindparam("id", type_=BigInteger)))
RENAME = compiled(update(models.User).where(models.User.id == bindparam("user_id")).values(display_name=NAME))
BACKEND = compiled(select(text("pg_backend_pid()")))
SLEEP = compiled(select(text("pg_sleep(1)")))


@pytest_asyncio.fixture
async def database(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url, pool_size=3)
    yield database
    await database.close()


async def test_both_sides_of_a_deadlock_succeed(world: World, database: WriteDatabase) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    barrier, runs = asyncio.Barrier(2), []

    async def rename(sql: Statements, first: int, second: int, name: str) -> None:
        runs.append(name)
        await sql.run(RENAME, user_id=first, name=name)
        if runs.count(name) == 1:
            await barrier.wait()
        await sql.run(RENAME, user_id=second, name=name)

    await asyncio.gather(
        database.transact(lambda sql: rename(sql, ann.id, bob.id, "one")),
        database.transact(lambda sql: rename(sql, bob.id, ann.id, "two")),
    )
    assert sorted(runs) in (["one", "one", "two"], ["one", "two", "two"]), "one of them ran twice"


async def test_a_serialization_failure_runs_again_on_what_the_other_wrote(
    world: World, database: WriteDatabase
) -> None:
    ann = await world.user("ann")
    barrier, runs = asyncio.Barrier(2), []

    async def append(sql: Statements, letter: str) -> None:
        runs.append(letter)
        name = await sql.value(NAME_OF, id=ann.id)
        if runs.count(letter) == 1:
            await barrier.wait()
        await sql.run(RENAME, user_id=ann.id, name=name + letter)

    await asyncio.gather(
        *(database.transact(lambda sql, x=x: append(sql, x), isolation="serializable") for x in ("x", "y"))  # type: ignore[misc]
    )
    assert len(runs) == 3
    name = await database.transact(lambda sql: sql.value(NAME_OF, id=ann.id))
    assert name in {"Annxy", "Annyx"}


async def test_writers_wait_in_turn_and_not_for_ever(empty_database_url: str) -> None:
    database, go_on, done = WriteDatabase.connect(empty_database_url, pool_size=1, patience_s=0.3), asyncio.Event(), []

    async def wait(sql: Statements) -> None:
        await sql.value(BACKEND)
        await go_on.wait()

    async def note(_: Statements, number: int) -> None:
        done.append(number)

    holder = asyncio.create_task(database.transact(wait))
    await asyncio.sleep(0)
    refused = await asyncio.gather(
        *(database.transact(lambda sql, n=n: note(sql, n)) for n in range(20)),  # type: ignore[misc]
        return_exceptions=True,
    )
    assert {type(error) for error in refused} == {Overloaded}
    waiting = [asyncio.create_task(database.transact(lambda sql, n=n: note(sql, n))) for n in range(20)]  # type: ignore[misc]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(holder, *waiting)
    assert done == list(range(20))
    await database.close()


async def test_whoever_is_cancelled_leaves_nothing_behind(world: World, database: WriteDatabase) -> None:
    ann = await world.user("ann")

    async def linger(sql: Statements) -> None:
        await sql.run(RENAME, user_id=ann.id, name="half done")
        await sql.rows(SLEEP)

    for pause_s in (0, 0.001, 0.005, 0.02, 0.05):
        lost = [asyncio.create_task(database.transact(linger)) for _ in range(3)]
        await asyncio.sleep(pause_s)
        for task in lost:
            task.cancel()
        await asyncio.gather(*lost, return_exceptions=True)
        names = await asyncio.gather(*(database.transact(lambda sql: sql.value(NAME_OF, id=ann.id)) for _ in range(3)))
        assert names == ["Ann"] * 3


async def terminate(world: World, pid: int) -> None:
    async with world.engine.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


async def test_a_connection_lost_before_the_commit_is_made_again(world: World, database: WriteDatabase) -> None:
    ann = await world.user("ann")
    pids = []

    async def rename(sql: Statements) -> None:
        pids.append(await sql.value(BACKEND))
        await sql.run(RENAME, user_id=ann.id, name=f"attempt {len(pids)}")
        if len(pids) == 1:
            await terminate(world, pids[0])

    await database.transact(rename)
    assert len(set(pids)) == 2
    assert await database.transact(lambda sql: sql.value(NAME_OF, id=ann.id)) == "attempt 2"


async def test_connections_that_died_in_the_pool_are_replaced_unseen(world: World, database: WriteDatabase) -> None:
    for _ in range(3):
        pids = await asyncio.gather(*(database.transact(lambda sql: sql.value(BACKEND)) for _ in range(3)))
        for pid in set(pids):
            await terminate(world, pid)


async def test_the_end_of_a_backend_reaches_no_caller_whenever_it_comes(world: World, database: WriteDatabase) -> None:
    """Between the server's last word and the end of the connection, asyncpg fails in a way of its own."""
    ann = await world.user("ann")
    pids, is_over = [0], False

    async def rename(sql: Statements, name: str) -> None:
        pids.append(await sql.value(BACKEND))
        await sql.run(RENAME, user_id=ann.id, name=name)

    async def write(writer: int) -> None:
        while not is_over:
            await database.transact(lambda sql: rename(sql, f"writer {writer}"))

    async with asyncio.TaskGroup() as writers, world.engine.connect() as connection:
        for writer in range(3):
            writers.create_task(write(writer))
        for _ in range(60):
            await asyncio.sleep(0.01)
            await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pids[-1]})
        is_over = True
    assert len(set(pids)) > 40


@pytest.mark.parametrize(("is_repeatable", "runs"), [(True, 2), (False, 1)])
async def test_only_repeatable_work_is_done_again_after_a_commit_of_unknown_outcome(
    world: World, database: WriteDatabase, *, is_repeatable: bool, runs: int
) -> None:
    """A deferred trigger ends the connection within COMMIT itself."""
    ann = await world.user("ann")
    seen = []
    async with world.engine.begin() as connection:
        for statement in CUT_AT_COMMIT:
            await connection.execute(text(statement))

    async def rename(sql: Statements) -> None:
        seen.append(await sql.value(NAME_OF, id=ann.id))
        await sql.run(RENAME, user_id=ann.id, name="cut" if len(seen) == 1 else "kept")

    try:
        if is_repeatable:
            await database.transact(rename)
        else:
            with pytest.raises(OutcomeUnknown):
                await database.transact(rename, is_repeatable=False)
    finally:
        async with world.engine.begin() as connection:
            await connection.execute(text("DROP FUNCTION cut_off() CASCADE"))
    assert seen == ["Ann"] * runs
    assert await database.transact(lambda sql: sql.value(NAME_OF, id=ann.id)) == ("kept" if is_repeatable else "Ann")


CUT_AT_COMMIT = (
    """CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF new.display_name = 'cut' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$""",
    """CREATE CONSTRAINT TRIGGER cut_off AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION cut_off()""",
)


async def test_what_is_no_conflict_is_raised_at_once_and_nothing_is_kept(world: World, database: WriteDatabase) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    runs = []
    set_username = compiled(
        update(models.User).where(models.User.id == bindparam("user_id")).values(username=bindparam("name"))
    )

    async def take(sql: Statements) -> None:
        runs.append(1)
        await sql.run(RENAME, user_id=bob.id, name="changed")
        await sql.run(set_username, user_id=bob.id, name="ANN")

    with pytest.raises(asyncpg.UniqueViolationError):
        await database.transact(take)
    assert runs == [1]
    assert await database.transact(lambda sql: sql.value(NAME_OF, id=bob.id)) == "Bob"
    assert ann.display_name == "Ann"


async def test_a_database_that_is_away_is_said_to_be_within_the_budget() -> None:
    database = WriteDatabase.connect("postgresql://postgres@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable):
        await database.transact(lambda sql: sql.value(BACKEND))
    await database.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Takes every connection, and never says a word, as a firewall does or a machine that hangs."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"postgresql://postgres@127.0.0.1:{server.sockets[0].getsockname()[1]}/nothing"


async def test_a_server_that_has_fallen_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feed_service.database.CONNECT_WITHIN_S", 0.05)
    monkeypatch.setattr("feed_service.transactions.BUDGET_S", 0.2)
    async with silent_server() as url, asyncio.timeout(5):
        database = WriteDatabase.connect(url)
        with pytest.raises(Unavailable):
            await database.transact(lambda sql: sql.value(BACKEND))
        await database.close()


async def test_no_statement_waits_for_ever(
    world: World, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vanished server does not keep to `statement_timeout` either; one that sleeps stands in for it."""
    monkeypatch.setattr("feed_service.transactions.SILENCE_S", 0.2)
    monkeypatch.setattr("feed_service.transactions.BUDGET_S", 0)
    ann = await world.user("ann")
    database = WriteDatabase.connect(empty_database_url, pool_size=1)

    async def rename_and_wait(sql: Statements) -> None:
        await sql.run(RENAME, user_id=ann.id, name="half done")
        await sql.rows(SLEEP)

    with pytest.raises(Unavailable):
        await database.transact(rename_and_wait)
    assert await database.transact(lambda sql: sql.value(NAME_OF, id=ann.id)) == "Ann"
    await database.close()


async def test_a_server_that_is_no_longer_written_to_is_left_for_its_successor(
    world: World, empty_database_url: str
) -> None:
    ann = await world.user("ann")
    database = WriteDatabase.connect(empty_database_url, pool_size=1)
    await database.transact(lambda sql: sql.rows(compiled(text("SET default_transaction_read_only = on"))))
    assert await database.transact(lambda sql: sql.run(RENAME, user_id=ann.id, name="renamed")) == 1
    await database.close()


async def test_whoever_finds_all_connections_taken_tries_again(world: World, empty_database_url: str) -> None:
    async with world.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("DROP ROLE IF EXISTS crowd"))
        await connection.execute(text("CREATE ROLE crowd LOGIN PASSWORD 'crowd' CONNECTION LIMIT 0"))
        url = make_url(empty_database_url).set(username="crowd", password="crowd")
        try:
            database = WriteDatabase.connect(url.render_as_string(hide_password=False))
            waiting = asyncio.create_task(database.transact(lambda sql: sql.value(BACKEND)))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await connection.execute(text("ALTER ROLE crowd CONNECTION LIMIT 1"))
            assert await waiting
            await database.close()
        finally:
            await connection.execute(text("DROP ROLE crowd"))


async def test_a_cancelled_transaction_is_rolled_back_and_its_connection_serves_again(
    world: World, database: WriteDatabase
) -> None:
    ann = await world.user("ann")
    sleep = compiled(select(text("pg_sleep(30)")))

    async def rename_and_wait(sql: Statements) -> None:
        await sql.run(RENAME, user_id=ann.id, name="half done")
        await sql.value(sleep)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(database.transact(rename_and_wait), 0.3)
    names = await asyncio.gather(*(database.transact(lambda sql: sql.value(NAME_OF, id=ann.id)) for _ in range(6)))
    assert names == ["Ann"] * 6
