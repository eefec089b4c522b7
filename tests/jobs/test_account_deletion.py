"""The end of an account, interrupted wherever it can be: the same in the end, and exact for all who stay."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from feed_service.commands import (
    account_deletion,
    audit_trail,
    comments,
    deleted_texts,
    deleted_ties,
    follows,
    jobs,
    likes,
)
from feed_service.commands.jobs import Job
from feed_service.commands.transaction import Writer
from feed_service.errors import NotFound
from feed_service.errors import Refused as RefusedCommand
from feed_service.jobs.kinds import KINDS
from feed_service.jobs.runner import Pace, Runner
from feed_service.transactions import Statement, Statements, WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer
from tests.api import Refused, api_on
from tests.commands.laws import contents, drift
from tests.jobs.leaving import fingerprint, mentions, scene, state
from tests.scratch import empty
from tests.world import World

NO_LEASE = timedelta()
PIECES = 23
"""Of Ann's account, when each is of three rows: see what is gone, below."""

NAME = "deleted_1"


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url, pool_size=10)
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleted_ties, "BATCH", 3)
    monkeypatch.setattr(deleted_texts, "BATCH", 3)
    monkeypatch.setattr(account_deletion, "SETTLED", timedelta())


class Crash(Exception):
    """The process died."""


@dataclass(frozen=True)
class Counting(Statements):
    """Calls `ran` before every statement."""

    ran: Callable[[], None]

    async def rows(self, statement: Statement, **values: Any) -> list[Any]:  # noqa: ANN401 - as above.
        self.ran()
        return await super().rows(statement, **values)

    async def row(self, statement: Statement, **values: Any) -> Any:  # noqa: ANN401 - as above.
        self.ran()
        return await super().row(statement, **values)

    async def value(self, statement: Statement, **values: Any) -> Any:  # noqa: ANN401 - as above.
        self.ran()
        return await super().value(statement, **values)

    async def run(self, statement: Statement, **values: Any) -> int:  # noqa: ANN401 - as above.
        self.ran()
        return await super().run(statement, **values)

    async def run_all(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        self.ran()
        await super().run_all(statement, rows)


class Mortal(WriteDatabase):
    """Dies as it is told: before a statement, by its number, before the commit (0), or after it (-1)."""

    dies_at = 0
    statements = 0

    async def transact(self, work: Any, **options: Any) -> Any:  # noqa: ANN401 - as of the parent.
        self.statements = 0

        async def mortal(sql: Statements) -> Any:  # noqa: ANN401 - as of the parent.
            answer = await work(Counting(sql.driver, self.ran))
            if self.dies_at == 0:
                raise Crash
            return answer

        await super().transact(mortal, **options)
        assert self.dies_at <= 0, f"It outlived statement {self.dies_at}: {self.statements} were run."
        raise Crash

    def ran(self) -> None:
        self.statements += 1
        if self.statements == self.dies_at:
            raise Crash


async def begin(writing: WriteDatabase, who: models.User) -> int:
    return await Writer(writing, Viewer(who.id), "leaving").run(account_deletion.delete_account)


async def finish(writing: WriteDatabase) -> None:
    await Runner(writing, KINDS, Pace(lease=timedelta(seconds=30))).run_all()


async def claimed(writing: WriteDatabase, holder: str) -> Job | None:
    return await Writer(writing, ANONYMOUS).run(jobs.claim, list(KINDS), holder, NO_LEASE)


async def test_nothing_of_the_account_is_left_and_others_keep_exact_numbers(
    world: World, writing: WriteDatabase
) -> None:
    ann = await scene(world, writing)
    await begin(writing, ann)
    await finish(writing)
    (job,) = await contents(world, models.Job)
    assert (job["state"], job["error"]) == ("done", None)
    assert job["progress"]["gone"] == {
        "access": 3, "profile": 1, "post likes": 6, "comment likes": 9, "bookmarks": 3, "collections": 3,
        "following": 3, "followers": 3, "tag follows": 2, "blocks": 6, "mutes": 6, "views": 3, "comments": 5,
        "posts": 5, "deleted posts": 1, "edits": 2,
    }  # fmt: skip
    assert await drift(world) == {}
    assert await mentions(world) == []
    user = (await contents(world, models.User))[0]
    assert (user["username"], user["display_name"], user["bio"], user["avatar_url"]) == (NAME, NAME, None, None)
    assert user["role"] == "user"
    (numbers,) = [row for row in await contents(world, models.UserStats) if row.pop("user_id") == ann.id]
    assert set(numbers.values()) == {0, None}
    assert (await verified(writing)).faults == []


async def verified(writing: WriteDatabase) -> audit_trail.Verdict:
    return await writing.transact(audit_trail.verify, isolation="repeatable_read")


async def test_others_keep_what_is_theirs(world: World, writing: WriteDatabase) -> None:
    ann = await scene(world, writing)
    before = await state(world, with_log=False)
    await begin(writing, ann)
    await finish(writing)
    after = await state(world, with_log=False)

    def of_others(rows: list[dict[str, Any]], *columns: str) -> list[dict[str, Any]]:
        return [row for row in rows if ann.id not in {row[column] for column in columns}]

    for table, columns in {
        "post_likes": ["user_id"], "comment_likes": ["user_id"], "bookmarks": ["user_id"], "comments": ["author_id"],
        "posts": ["author_id"], "user_follows": ["follower_id", "followee_id"], "tag_follows": ["user_id"],
        "post_commenter": ["user_id"], "users": ["id"],
    }.items():  # fmt: skip
        assert of_others(after[table], *columns) == of_others(before[table], *columns) != [], table
    assert after["tags"] == before["tags"]


async def test_a_crash_anywhere_changes_nothing_in_the_end(
    world: World, writing: WriteDatabase, empty_database_url: str
) -> None:
    """Two worlds, alike to the last row: in one of them the process dies at the end of every step, and within it."""
    await begin(writing, await scene(World(world.engine), writing))
    await finish(writing)
    wanted = await state(world)
    await empty(empty_database_url)

    mortal = Mortal.connect(empty_database_url, pool_size=1)
    await begin(writing, await scene(World(world.engine), writing))
    steps = 0
    while (job := await claimed(writing, "me")) is not None:
        steps += 1
        advance = (jobs.advance, job.id, "me", NO_LEASE, KINDS[job.kind])
        before = await fingerprint(world)
        mortal.dies_at = 0
        await died(mortal, *advance)
        for dies_at in {mortal.statements // 2, mortal.statements}:
            mortal.dies_at = dies_at
            await died(mortal, *advance)
        assert await fingerprint(world) == before, "it died on the way, and left something"
        mortal.dies_at = -1
        await died(mortal, *advance)
    await mortal.close()
    assert await state(world) == wanted
    assert steps == 2 * len(account_deletion.STEPS) + PIECES
    assert await drift(world) == {}


async def died(mortal: Mortal, *advance: Any) -> None:  # noqa: ANN401 - a command and its arguments.
    with pytest.raises(Crash):
        await Writer(mortal, Viewer(1), "job:1").run(*advance)


async def test_doing_it_again_changes_nothing(world: World, writing: WriteDatabase) -> None:
    ann = await scene(world, writing)
    await begin(writing, ann)
    await finish(writing)
    before = await state(world, with_log=False)
    await Writer(writing, ANONYMOUS).run(jobs.create, account_deletion.JOB, {"user_id": ann.id})
    await finish(writing)
    assert await state(world, with_log=False) == before
    assert (await contents(world, models.Job))[1]["progress"] == {"round": 2, "gone": {}}


async def test_what_a_request_writes_late_is_removed_as_well(world: World, writing: WriteDatabase) -> None:
    """Ann's request was let in before, and writes when the job is past it."""
    ann = await scene(world, writing)
    bob_post = next(row for row in await contents(world, models.Post) if row["author_id"] != ann.id)
    late = Writer(writing, Viewer(ann.id), "late")
    await begin(writing, ann)
    seen: set[str | None] = set()
    while (job := await claimed(writing, "me")) is not None:
        if job.step == "edits" and job.step not in seen:
            await late.run(likes.like_post, bob_post["id"])
            await late.run(comments.create_comment, bob_post["id"], None, "A late secret.")
        seen.add(job.step)
        await Writer(writing, Viewer(ann.id)).run(jobs.advance, job.id, "me", NO_LEASE, KINDS[job.kind])
    assert await drift(world) == {}
    assert await mentions(world) == []
    assert ann.id not in {row["user_id"] for row in await contents(world, models.PostLike)}


async def test_numbers_stay_exact_while_everybody_else_goes_on(world: World, writing: WriteDatabase) -> None:
    ann = await scene(world, writing)
    posts = [row["id"] for row in await contents(world, models.Post) if row["deleted_at"] is None]
    crowd = [await world.user(f"zoe{n}") for n in range(8)]
    await world.count()

    async def busy(user: models.User) -> None:
        writer = Writer(writing, Viewer(user.id))
        for turn in range(4):
            for post_id in posts:
                with suppress(RefusedCommand):
                    await writer.run(likes.unlike_post if turn % 2 else likes.like_post, post_id)
            with suppress(RefusedCommand):
                await writer.run(follows.follow_user, ann.id)
            with suppress(RefusedCommand):
                await writer.run(comments.create_comment, posts[turn], None, "Well.")

    async def leave() -> None:
        await begin(writing, ann)
        await finish(writing)

    await asyncio.gather(*map(busy, crowd), leave())
    assert await drift(world) == {}
    assert {row["state"] for row in await contents(world, models.Job)} == {"done"}
    assert ann.id not in {row["followee_id"] for row in await contents(world, models.UserFollow)}


DELETE = """mutation ($password: String) {
    deleteAccount(password: $password) { userErrors { code field } consistencyToken } }"""
PASSWORD = "correct horse battery"


async def test_an_account_is_gone_at_once_for_whoever_has_its_password(
    world: World, writing: WriteDatabase, empty_database_url: str
) -> None:
    async with api_on(empty_database_url) as api:
        ann, bob = await world.user("ann"), await world.user("bob")
        post = await world.post(ann)
        hashed = await api.desk.passwords.hashed(PASSWORD)
        await world.add(models.Account(user_id=ann.id, password_hash=hashed))
        await world.count()
        before = await contents(world)
        for password in (None, "wrong"):
            answer = (await api(DELETE, ann, password=password))["deleteAccount"]
            assert answer["userErrors"] == [{"code": "INVALID_CREDENTIALS", "field": ["password"]}]
        assert {**await contents(world), "attempt_counts": []} == before
        answer = (await api(DELETE, ann, password=PASSWORD))["deleteAccount"]
        assert answer["userErrors"] == []
        assert answer["consistencyToken"]
        query = 'query ($slug: String!) { user(by: {username: "ann"}) { id } post(by: {slug: $slug}) { id } }'
        assert await api(query, bob, slug=post.slug) == {"user": None, "post": None}
        with pytest.raises(Refused) as refused:
            await api(DELETE, ann, password=PASSWORD)
        assert refused.value.codes == ["UNAUTHENTICATED"]
    await finish(writing)
    assert await drift(world) == {}


async def test_whom_a_provider_signs_in_needs_no_password_here(
    world: World, writing: WriteDatabase, empty_database_url: str
) -> None:
    """Who they are there stays known, so that the provider's token does not make a new account."""
    async with api_on(empty_database_url) as api:
        ann = await world.user("ann")
        await world.add(models.ExternalIdentity(issuer="https://example.org", subject="17", user_id=ann.id))
        await world.count()
        api.desk = replace(api.desk, is_local=False)
        assert (await api(DELETE, ann))["deleteAccount"]["userErrors"] == []
    await finish(writing)
    assert [row["user_id"] for row in await contents(world, models.ExternalIdentity)] == [ann.id]
    assert (await contents(world, models.User))[0]["username"] == NAME


async def test_the_operator_deletes_by_name_and_the_name_is_free_again(world: World, writing: WriteDatabase) -> None:
    operator = Writer(writing, ANONYMOUS)
    await world.user("Ann")
    await world.user(f"{NAME.upper()}")
    await world.count()
    await operator.run(account_deletion.delete_named, "aNN")
    with pytest.raises(NotFound):
        await operator.run(account_deletion.delete_named, "Ann")
    await finish(writing)
    first, second = [row["username"] for row in await contents(world, models.User)]
    assert first.startswith(f"{NAME}_"), "somebody else has the name it would have got"
    assert second == NAME.upper()
    await world.user("ann")
    events = [(row["action"], row["stream"]) for row in await contents(world, models.AuditEvent)]
    assert events == [("account.delete", "system"), ("account.deleted", "system")]
