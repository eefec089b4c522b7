"""What holds for every bulk: a bad line stops no other, a crash loses and repeats nothing, a dry run is true."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from feed_service import models
from feed_service.commands import jobs
from feed_service.commands.bulk import chunks, uploads
from feed_service.commands.bulk.cutting import Cutter
from feed_service.commands.jobs import Job, Progress, Step
from feed_service.commands.transaction import Transaction, Writer
from feed_service.errors import RateLimited, Unavailable
from feed_service.jobs.bulk import carry_out
from feed_service.jobs.runner import ATTEMPTS, Runner
from feed_service.transactions import WriteDatabase, compiled
from feed_service.viewer import ANONYMOUS, Role, Viewer
from tests.commands.bulk.sending import Line, done, outcomes_of, runner, sent
from tests.commands.laws import contents, drift
from tests.jobs.counting import CHECKOUT, HURRIED
from tests.world import World

DIED = 43
CUT = compiled(select(func.pg_terminate_backend(func.pg_backend_pid())))
OUTSIDE = {"bulks", "bulk_chunks", "bulk_effects", "jobs", "audit_events", "audit_streams"}

RUBBISH: list[tuple[bytes, str | None]] = [
    (b"", None),
    (b" \t\r", None),
    (b'{"follower": "ann", "followee": "bob"}\r', "followed"),
    (b"{", "MALFORMED"),
    (b"\xff\xfe", "MALFORMED"),
    (b'"ann"', "MALFORMED"),
    (b"[1]", "MALFORMED"),
    (b"null", "MALFORMED"),
    (b"[" * 50_000, "MALFORMED"),
    (b'{"follower": "\\ud800", "followee": "bob"}', "MALFORMED"),
    (b'{"follower": "a\\u0000b", "followee": "bob"}', "INVALID"),
    (b'{"follower": NaN, "followee": 1}', "MALFORMED"),
    (b'{"follower": 1.5, "followee": 1}', "INVALID"),
    (b'{"follower": true, "followee": 1}', "INVALID"),
    (b'{"follower": null, "followee": 1}', "INVALID"),
    (b'{"follower": 0, "followee": 1}', "INVALID"),
    (b'{"follower": 9223372036854775808, "followee": 1}', "INVALID"),
    (b'{"follower": ' + b"9" * 90_000 + b', "followee": 1}', "MALFORMED"),
    (b'{"follower": ' + b"9" * 1_000_000 + b', "followee": 1}', "TOO_LONG"),
    (b'{"follower": "' + b"x" * 90_000 + b'", "followee": 1}', "NOT_FOUND"),
    (b'{"follower": "ann"}', "MISSING_FIELD"),
    (b'{"follower": "ann", "followee": "bob", "since": 1}', "UNKNOWN_FIELD"),
    (b'\xef\xbb\xbf{"follower": "ann", "followee": "bob"}', "MALFORMED"),
    (b'{"follower": "bob", "followee": "ann"}', "followed"),
]


async def test_a_bad_line_stops_no_other(world: World, writing: WriteDatabase) -> None:
    await world.user("ann")
    await world.user("bob")
    await world.count()
    bulk_id = await sent(writing, "follows", [line for line, _ in RUBBISH], chunk_lines=5)
    await runner(writing).run_all()
    found = {row["line"]: row.get("reason", row["outcome"]) for row in await outcomes_of(world, bulk_id)}
    assert found == {number: outcome for number, (_, outcome) in enumerate(RUBBISH, start=1) if outcome is not None}
    assert await drift(world) == {}


@pytest.mark.parametrize("piece", [1, 3, 7, 1_000])
@pytest.mark.parametrize("body", [b"", b"\n", b"a", b"a\n", b"a\nb\n\nc", b"\r\n" * 9, b"abc\n" * 40 + b"x" * 50])
def test_a_stream_is_cut_into_the_lines_it_has(body: bytes, piece: int) -> None:
    cutter = Cutter(3)
    cut = [one for at in range(0, len(body), piece) for one in cutter.cut(body[at : at + piece])] + [*cutter.end()]
    lines = [line for one in cut for line in one.lines.split(b"\n")]
    assert lines == body.split(b"\n")[: -1 if body.endswith(b"\n") or not body else None]
    assert [one.number for one in cut] == list(range(len(cut)))
    assert [one.first_line for one in cut] == list(range(1, len(lines) + 1, 3))
    assert (cutter.line_count, cutter.chunk_count) == (len(lines), len(cut))


async def test_an_empty_file_is_done_at_once(world: World, writing: WriteDatabase) -> None:
    bulk_id = await sent(writing, "follows", [])
    await runner(writing).run_all()
    [bulk] = await contents(world, models.Bulk)
    assert (bulk["line_count"], bulk["counts"], bulk["finished_at"] is None) == (0, {}, False)
    assert await outcomes_of(world, bulk_id) == []


DRY: dict[str, list[Line]] = {
    "follows": [{"follower": "ann", "followee": "bob"}, {"follower": 1, "followee": 2}, {"follower": 2, "followee": 1}],
    "unfollows": [{"follower": "ann", "followee": "cat"}, {"follower": 1, "followee": 3}],
    "delete-posts": [{"post": 1}, {"post": "post-1"}, {"post": 2}, {"post": 3}],
    "restore-posts": [{"post": 3}, {"post": 3}, {"post": 1}],
    "users": [
        {"username": "new", "externalId": "7", "bio": "One."},
        {"externalId": "7", "bio": "Two."},
        {"username": "NEW", "bio": "Two."},
        {"username": "new", "externalId": "8"},
        {"username": "new", "bio": "One."},
        {"username": "ann", "displayName": "Anne"},
        {"username": "ann", "displayName": "Ann"},
        {"username": "ann", "displayName": "Ann"},
        {"username": "dot"},
        {"username": "dot", "externalId": "9"},
    ],
}


@pytest.mark.parametrize("kind", DRY)
async def test_a_dry_run_tells_what_will_be_and_changes_nothing(
    world: World, writing: WriteDatabase, kind: str
) -> None:
    ann, bob, cat = [await world.user(name) for name in ("ann", "bob", "cat")]
    await world.follow(ann, cat)
    for deleted_at in (None, None, ann.created_at):
        await world.post(bob, deleted_at=deleted_at)
    await world.count()
    before = {name: rows for name, rows in (await contents(world)).items() if name not in OUTSIDE}
    dry = await done(world, writing, kind, DRY[kind], is_dry_run=True, chunk_lines=1)
    ids = {row["id"] for row in await outcomes_of(world, 1)}
    assert ids <= {None, 1, 2, 3}, "of what there is"
    after = await contents(world)
    assert {name: rows for name, rows in after.items() if name not in OUTSIDE} == before
    assert [row["action"] for row in after["audit_events"]] == ["bulk.submit"]
    assert dry == await done(world, writing, kind, DRY[kind], chunk_lines=1)
    assert len(set(dry)) > 1
    assert await drift(world) == {}


async def test_what_only_the_database_refuses_is_refused_alone(world: World, writing: WriteDatabase) -> None:
    """A drifted number would fall below zero: that line is refused, and the others are done."""
    people = [await world.user(name) for name in ("ann", "bob", "cat", "dan", "eve")]
    for followee in people[1:]:
        await world.follow(people[0], followee)
    await world.count()
    async with world.engine.begin() as connection:
        number = models.UserStats
        await connection.execute(update(number).where(number.user_id == people[2].id).values(follower_count=0))
    lines = [{"follower": people[0].id, "followee": followee.id} for followee in people[1:]]
    assert await done(world, writing, "unfollows", lines) == ["unfollowed", "REJECTED", "unfollowed", "unfollowed"]
    assert [row["followee_id"] for row in await contents(world, models.UserFollow)] == [people[2].id]
    stats = {row["user_id"]: row for row in await contents(world, models.UserStats)}
    assert (stats[people[0].id]["following_count"], stats[people[1].id]["follower_count"]) == (1, 0)


async def crowd(world: World, writing: WriteDatabase, number: int) -> list[Line]:
    """Everybody follows the next but one, in 2 * `number` lines: each is there twice."""
    await done(world, writing, "users", [{"username": f"user{one}"} for one in range(number)])
    names = [f"user{one}" for one in range(number)]
    pairs: list[Line] = [{"follower": name, "followee": names[(at + 2) % number]} for at, name in enumerate(names)]
    return pairs + pairs


async def dies_when_begun(tx: Transaction, job: Job) -> Progress:
    """The second chunk was committed; of the third, nothing is done."""
    if job.progress.get("chunks") == 2:
        os._exit(DIED)
    return await chunks.do_chunk(tx, job)


async def dies_when_done(tx: Transaction, job: Job) -> Progress:
    """All of the third chunk is done, and not committed."""
    left = await chunks.do_chunk(tx, job)
    if left.progress["chunks"] == 3:
        os._exit(DIED)
    return left


def dying(url: str, step: Step) -> int:
    program = "import sys; from tests.commands.bulk import test_chunks; test_chunks.main(*sys.argv[1:])"
    command = [sys.executable, "-c", program, url, step.__name__]
    return subprocess.run(command, cwd=CHECKOUT, check=False, timeout=30).returncode


def main(url: str, step: str) -> None:
    async def work() -> None:
        await Runner(WriteDatabase.connect(url, pool_size=2), {uploads.JOB: globals()[step]}, HURRIED).run_all()

    asyncio.run(work())


@pytest.mark.parametrize("step", [dies_when_begun, dies_when_done])
async def test_a_process_that_dies_loses_no_line_and_repeats_none(
    world: World, writing: WriteDatabase, empty_database_url: str, step: Step
) -> None:
    lines = await crowd(world, writing, 50)
    bulk_id = await sent(writing, "follows", lines, chunk_lines=10)
    assert await asyncio.to_thread(dying, empty_database_url, step) == DIED
    assert len(await outcomes_of(world, bulk_id)) == len(await contents(world, models.UserFollow)) == 20
    await asyncio.sleep(HURRIED.lease.total_seconds())
    await runner(writing).run_all()
    outcomes = await outcomes_of(world, bulk_id)
    assert [row["line"] for row in outcomes] == list(range(1, 101))
    assert [row["outcome"] for row in outcomes] == ["followed"] * 50 + ["already"] * 50
    events = [row["facts"] for row in await contents(world, models.AuditEvent) if row["action"] == "bulk.chunk"]
    assert [facts["chunk"] for facts in events if facts["kind"] == "follows"] == list(range(10))
    assert len([row for row in await contents(world, models.ChangeLog) if row["kind"] == "user_follow"]) == 50
    assert await drift(world) == {}


async def test_lines_are_read_one_chunk_ahead_and_then_forgotten(world: World, writing: WriteDatabase) -> None:
    bulk_id = await sent(writing, "users", [{"username": f"user{one}"} for one in range(4)], chunk_lines=1)
    held: list[list[int]] = []

    async def watched(tx: Transaction, job: Job) -> Progress:
        left = await chunks.do_chunk(tx, job)
        held.append(sorted(job.memory))
        return left

    await Runner(writing, {uploads.JOB: watched}, HURRIED).run_all()
    assert held == [[0, 1], [1, 2], [2, 3], [3], [3]]
    assert [row["line"] for row in await outcomes_of(world, bulk_id)] == [1, 2, 3, 4]


async def test_connections_cut_in_every_chunk_change_nothing(world: World, writing: WriteDatabase) -> None:
    lines = await crowd(world, writing, 20)
    bulk_id = await sent(writing, "follows", lines, chunk_lines=5)
    cut: set[int] = set()

    async def cut_off_once(tx: Transaction, job: Job) -> Progress:
        left = await chunks.do_chunk(tx, job)
        if left.progress["chunks"] not in cut:
            cut.add(left.progress["chunks"])
            await tx.sql.run(CUT)
        return left

    await Runner(writing, {uploads.JOB: cut_off_once}, HURRIED).run_all()
    assert cut == set(range(1, 9))
    outcomes = [row["outcome"] for row in await outcomes_of(world, bulk_id)]
    assert outcomes == ["followed"] * 20 + ["already"] * 20
    assert await drift(world) == {}


async def test_whoever_is_admin_no_more_does_nothing_more(world: World, writing: WriteDatabase) -> None:
    ann = await world.user("ann", role="admin")
    lines = [{"username": f"user{one}"} for one in range(4)]
    bulk_id = await sent(writing, "users", lines, chunk_lines=1, viewer=Viewer(ann.id, Role.ADMIN))

    async def demoted_in_the_second(tx: Transaction, job: Job) -> Progress:
        left = await chunks.do_chunk(tx, job)
        if left.progress["chunks"] == 2:
            async with world.engine.begin() as connection:
                await connection.execute(update(models.User).where(models.User.id == ann.id).values(role="moderator"))
        return left

    await Runner(writing, {uploads.JOB: demoted_in_the_second}, HURRIED).run_all()
    assert [row["line"] for row in await outcomes_of(world, bulk_id)] == [1, 2]
    assert (await Writer(writing, ANONYMOUS).run(uploads.told, bulk_id))["state"] == "CANCELLED"
    assert [row["actor_id"] for row in await contents(world, models.AuditEvent)] == [ann.id] * 3


async def test_a_cancelled_bulk_keeps_what_is_done(world: World, writing: WriteDatabase) -> None:
    bulk_id = await sent(writing, "users", [{"username": f"user{one}"} for one in range(4)], chunk_lines=1)

    async def cancelled_before_the_second(tx: Transaction, job: Job) -> Progress:
        if job.progress.get("chunks") == 1:
            await Writer(writing, ANONYMOUS).run(uploads.cancel, bulk_id)
        return await chunks.do_chunk(tx, job)

    await Runner(writing, {uploads.JOB: cancelled_before_the_second}, HURRIED).run_all()
    assert [row["line"] for row in await outcomes_of(world, bulk_id)] == [1]
    assert len(await contents(world, models.User)) == 1
    told = await Writer(writing, ANONYMOUS).run(uploads.told, bulk_id)
    assert (told["state"], told["done_line_count"], told["line_count"]) == ("CANCELLED", 1, 4)
    before = await contents(world)
    await Writer(writing, ANONYMOUS).run(uploads.cancel, bulk_id)
    assert await contents(world) == before, "it was at its end"


async def test_what_cannot_be_done_waits_for_an_operator(world: World, writing: WriteDatabase) -> None:
    bulk_id = await sent(writing, "users", [{"username": "new"}])
    handed_over: list[bytes] = []

    async def hopeless(_tx: Transaction, _job: Job) -> Progress:
        raise ValueError("no")

    async def sink(lines: bytes) -> None:
        handed_over.append(lines)

    hasty = Runner(writing, {uploads.JOB: hopeless}, replace(HURRIED, first_wait_s=0))
    for _ in range(ATTEMPTS + 1):
        await hasty.run_all()
    with pytest.raises(Unavailable, match="has failed: ValueError: no"):
        await carry_out(writing, bulk_id, sink)
    [job] = await contents(world, models.Job)
    await Writer(writing, ANONYMOUS).run(jobs.retry, job["id"])
    assert (await carry_out(writing, bulk_id, sink))["state"] == "DONE"
    assert b"".join(handed_over) == b'{"line":1,"outcome":"inserted","id":1}\n'


async def test_an_admin_waits_for_bulks_before_sending_more(
    world: World, writing: WriteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_UNFINISHED", 1)
    ann, bob = [Viewer((await world.user(name, role="admin")).id, Role.ADMIN) for name in ("ann", "bob")]
    await sent(writing, "users", [{"username": "new"}], viewer=ann)
    with pytest.raises(RateLimited):
        await sent(writing, "users", [], viewer=ann)
    await sent(writing, "users", [], viewer=bob)
    await runner(writing).run_all()
    await sent(writing, "users", [], viewer=ann)
    assert len(await contents(world, models.Bulk)) == 3


async def test_lines_are_forgotten_a_week_later(world: World, writing: WriteDatabase) -> None:
    old, new = [
        await sent(writing, "users", [{"username": f"user{one}"} for one in range(30)], chunk_lines=1, is_dry_run=True)
        for _ in range(2)
    ]
    await runner(writing).run_all()
    bulk = models.Bulk
    async with world.engine.begin() as connection:
        earlier = bulk.created_at - uploads.KEPT
        await connection.execute(update(bulk).where(bulk.id == old).values(created_at=earlier))
    while await Writer(writing, ANONYMOUS).run(uploads.forget):
        pass
    assert {row["bulk_id"] for row in await contents(world, models.BulkChunk)} == {new}
    assert {row["bulk_id"] for row in await contents(world, models.BulkEffect)} == {new}
    kept = {row["id"]: row["forgotten_at"] is not None for row in await contents(world, bulk)}
    assert kept == {old: True, new: False}
