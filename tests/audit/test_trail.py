"""The audit trail against whoever owns the database: every kind of tampering is found, and found where it is."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from feed_service import models
from feed_service.commands import audit, audit_trail
from feed_service.commands.audit import AuditEvent
from feed_service.commands.audit_trail import Head, Verdict
from feed_service.commands.transaction import Transaction, Writer
from feed_service.transactions import Statements, WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer
from tests.commands.laws import contents
from tests.world import World

ANN, BOB = 1, 2
FACTS = {"n": 3, "weight": 0.5, "names": ["z", "a"], "nested": {"b": None, "a": True}, "word": "Grüße, 世界"}


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url, pool_size=2)
    yield database
    await database.close()


async def did(tx: Transaction, *actions: str, owner_id: int | None = None) -> None:
    for action in actions:
        private = {"reason": f"because of {action}"} if owner_id else None
        tx.audited(AuditEvent(action, "post", 7, FACTS, owner_id, private))


@pytest_asyncio.fixture
async def trail(writing: WriteDatabase) -> WriteDatabase:
    """Ann has five events, Bob two, nobody in particular one."""
    for actions in (("a1", "a2"), ("a3",), ("a4", "a5")):
        await Writer(writing, Viewer(ANN), "r1").run(did, *actions, owner_id=BOB)
    await Writer(writing, Viewer(BOB), "r2").run(did, "b1", "b2")
    await Writer(writing, ANONYMOUS).run(did, "s1")
    return writing


async def verified(database: WriteDatabase, noted: Sequence[Head] = ()) -> Verdict:
    async def work(sql: Statements) -> Verdict:
        return await audit_trail.verify(sql, noted)

    return await database.transact(work, isolation="repeatable_read")


async def faults(database: WriteDatabase, noted: Sequence[Head] = ()) -> list[str]:
    return [str(fault) for fault in (await verified(database, noted)).faults]


async def heads(database: WriteDatabase) -> list[Head]:
    async def work(sql: Statements) -> list[Head]:
        return [head async for head in audit_trail.heads(sql)]

    return await database.transact(work)


async def tamper(world: World, *statements: str, **values: object) -> None:
    """As the owner of the database can: with the triggers away."""
    async with world.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        for statement in statements:
            await connection.execute(text(statement), values)
        await connection.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))


async def test_an_untouched_trail_is_whole(trail: WriteDatabase) -> None:
    assert await verified(trail) == Verdict(8, [])
    assert [(head.stream, head.length) for head in await heads(trail)] == [("system", 1), ("user:1", 5), ("user:2", 2)]


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_events SET action = 'x'", "UPDATE audit_events SET action = 'x' WHERE false",
     "DELETE FROM audit_events", "TRUNCATE audit_events",
     "INSERT INTO audit_events SELECT * FROM audit_events ON CONFLICT (stream, number, at) DO UPDATE SET action = 'x'"],
)  # fmt: skip
async def test_the_trail_is_only_ever_added_to(world: World, statement: str) -> None:
    before = await contents(world, models.AuditEvent)
    with pytest.raises(DBAPIError, match="only ever added to"):
        async with world.engine.begin() as connection:
            await connection.execute(text(statement))
    assert await contents(world, models.AuditEvent) == before


CHANGED, MISSING = "changed, or out of its place", "missing, up to event"
SWAP = """
UPDATE audit_events SET number = -number WHERE stream = 'user:1' AND number IN (2, 3);
UPDATE audit_events SET number = 5 + number WHERE stream = 'user:1' AND number < 0
"""

TAMPERING = {
    "an action": (
        ["UPDATE audit_events SET action = 'x' WHERE stream = 'user:1' AND number = 3"],
        [f"user:1, event 3: {CHANGED}"],
    ),
    "a fact": (
        ["UPDATE audit_events SET facts = jsonb_set(facts, '{n}', '4') WHERE stream = 'user:1' AND number = 5"],
        [f"user:1, event 5: {CHANGED}"],
    ),
    "a time": (
        ["UPDATE audit_events SET at = at + interval '1 microsecond' WHERE stream = 'user:1' AND number = 1"],
        [f"user:1, event 1: {CHANGED}"],
    ),
    "an actor": (
        ["UPDATE audit_events SET actor_id = 2 WHERE stream = 'user:1' AND number = 2"],
        [f"user:1, event 2: {CHANGED}"],
    ),
    "personal data": (
        ["UPDATE audit_events SET private = '\\x00' WHERE stream = 'user:1' AND number = 2"],
        [f"user:1, event 2: {CHANGED}"],
    ),
    "personal data taken away": (
        ["UPDATE audit_events SET private = NULL WHERE stream = 'user:1' AND number = 2"],
        [f"user:1, event 2: {CHANGED}"],
    ),
    "one missing": (
        ["DELETE FROM audit_events WHERE stream = 'user:1' AND number = 3"],
        [f"user:1, event 3: {MISSING} 3"],
    ),
    "the first missing": (
        ["DELETE FROM audit_events WHERE stream = 'user:1' AND number < 3"],
        [f"user:1, event 1: {MISSING} 2"],
    ),
    "the end missing": (
        ["DELETE FROM audit_events WHERE stream = 'user:1' AND number > 3"],
        [f"user:1, event 4: {MISSING} 5"],
    ),
    "all missing": (["DELETE FROM audit_events WHERE stream = 'user:1'"], [f"user:1, event 1: {MISSING} 5"]),
    "two swapped": (SWAP.split(";"), [f"user:1, event {number}: {CHANGED}" for number in (2, 3, 4)]),
    "one moved to another stream": (
        ["UPDATE audit_events SET stream = 'user:2', number = 3 WHERE stream = 'user:1' AND number = 5"],
        [f"user:1, event 5: {MISSING} 5", f"user:2, event 3: {CHANGED}", "user:2, event 3: added without its head"],
    ),
    "a head": (
        ["UPDATE audit_streams SET last_hash = '\\x00' WHERE name = 'user:2'"],
        ["user:2, event 2: hashed anew: its stream ended with another hash"],
    ),
    "no head": (["DELETE FROM audit_streams WHERE name = 'user:2'"], ["user:2, event 2: its stream has no head"]),
}


@pytest.mark.parametrize("tampering", TAMPERING)
async def test_tampering_is_found_where_it_is(world: World, trail: WriteDatabase, tampering: str) -> None:
    statements, found = TAMPERING[tampering]
    await tamper(world, *statements)
    assert await faults(trail) == found


REWRITE = "UPDATE audit_events SET action = :action, hash = :hash WHERE stream = 'user:1' AND number = :number"


async def hash_anew(world: World) -> bytes:
    """Change the third event of Ann and every hash from there on. The last hash."""
    rows = [row for row in await contents(world, models.AuditEvent) if row["stream"] == "user:1"]
    last = b""
    for row in rows:
        row["action"] = "x" if row["number"] == 3 else row["action"]
        last = row["hash"] = audit.chained(row, last)
        await tamper(world, REWRITE, action=row["action"], hash=last, number=row["number"])
    return last


async def test_a_chain_that_was_hashed_anew_does_not_end_as_its_head_says(world: World, trail: WriteDatabase) -> None:
    await hash_anew(world)
    assert await faults(trail) == ["user:1, event 5: hashed anew: its stream ended with another hash"]


async def test_heads_that_were_noted_elsewhere_prove_what_was_before_them(world: World, trail: WriteDatabase) -> None:
    """Whoever rewrites the heads as well is found by a note that is out of reach."""
    noted = await heads(trail)
    await Writer(trail, Viewer(ANN)).run(did, "a6")
    assert await faults(trail, noted) == []
    last = await hash_anew(world)
    await tamper(world, "UPDATE audit_streams SET last_hash = :last WHERE name = 'user:1'", last=last)
    assert await faults(trail) == []
    assert await faults(trail, noted) == ["user:1, event 5: not what was noted earlier"]


async def test_a_long_trail_is_verified_in_batches(writing: WriteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_trail, "BATCH", 3)
    for viewer in range(1, 6):
        await Writer(writing, Viewer(viewer)).run(did, *"abcd"[: viewer - 1], "z")
    assert await verified(writing) == Verdict(15, [])
    assert [head.length for head in await heads(writing)] == [1, 2, 3, 4, 5]


async def shown(database: WriteDatabase) -> list[dict[str, Any]]:
    async def work(sql: Statements) -> list[dict[str, Any]]:
        return await audit_trail.of_stream(sql, "user:1", 2)

    return await database.transact(work)


async def test_shredded_data_are_unreadable_for_ever_and_the_chain_is_whole(world: World, trail: WriteDatabase) -> None:
    assert [row["private"] for row in await shown(trail)] == [{"reason": f"because of {name}"} for name in ("a5", "a4")]
    await trail.transact(lambda sql: audit.shred(sql, BOB))
    assert [row["private"] for row in await shown(trail)] == ["made unreadable", "made unreadable"]
    await Writer(trail, Viewer(ANN)).run(did, "a6", owner_id=BOB)
    newest, _ = await shown(trail)
    assert newest["action"] == "a6"
    assert "private" not in newest, "nothing more is kept about somebody who is gone"
    assert await verified(trail) == Verdict(9, [])
    assert b"because of" not in b"".join(row["private"] or b"" for row in await contents(world, models.AuditEvent))


async def test_events_about_a_subject_are_told_newest_first(trail: WriteDatabase) -> None:
    async def work(sql: Statements) -> list[dict[str, Any]]:
        return await audit_trail.about(sql, "post", 7, 4)

    found = await trail.transact(work)
    assert [(row["action"], row["actor_id"]) for row in found] == [
        ("s1", None), ("b2", BOB), ("b1", BOB), ("a5", ANN)
    ]  # fmt: skip
    assert found[0]["facts"] == FACTS
