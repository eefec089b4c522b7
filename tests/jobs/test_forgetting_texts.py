"""What was deleted long ago: nothing that anybody said is left of it, it stays deleted, and no number moves."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from feed_service.commands import comments, forgetting_texts, posts
from feed_service.commands.transaction import Transaction, Writer
from feed_service.errors import Refused
from feed_service.jobs.duties import DUTIES
from feed_service.jobs.upkeep import Upkeep
from feed_service.transactions import Statement, WriteDatabase
from feed_service.viewer import ANONYMOUS, Role, Viewer
from feed_service.vocabulary import UserErrorCode
from tests.commands.bulk.sending import outcomes_of, runner, sent
from tests.commands.laws import DEFINITIONS, contents, drift
from tests.world import NEVER, World

NOW = datetime.now(UTC)
LONG_AGO, LATELY = NOW - timedelta(days=31), NOW - timedelta(days=29)
OLD: dict[str, Any] = {"title": "A secret", "body": "My secret.", "deleted_at": LONG_AGO}


@pytest_asyncio.fixture
async def writing(empty_database_url: str) -> AsyncIterator[WriteDatabase]:
    database = WriteDatabase.connect(empty_database_url)
    yield database
    await database.close()


async def scene(world: World) -> list[models.Post]:
    """Of ann: deleted by her and by a moderator, a draft; one deleted lately, and one live with comments."""
    ann, mod = await world.user("ann"), await world.user("mod", role="moderator")
    tag = await world.tag("bread")
    written = [
        await world.post(ann, **OLD, slug="a-secret", deleted_by_id=ann.id, tags=(tag,)),
        await world.post(ann, **OLD, slug="a-secret-too", deleted_by_id=mod.id),
        await world.post(ann, at=NEVER, **OLD, slug="a-secret-draft", deleted_by_id=ann.id),
        await world.post(ann, **OLD | {"deleted_at": LATELY}, slug="lately", deleted_by_id=ann.id),
        await world.post(ann, "Live", body="Shown.", tags=(tag,)),
    ]
    await world.like(mod, written[0])
    root = await world.comment(ann, written[4], body="My secret.", deleted_at=LONG_AGO, deleted_by_id=ann.id)
    await world.comment(mod, written[4], root, body="An answer.")
    await world.comment(ann, written[4], body="Said lately.", deleted_at=LATELY, deleted_by_id=ann.id)
    await world.comment(mod, written[0], body="Somebody else's, below.")
    for version, post in enumerate((written[0], written[3], written[4]), 1):
        await world.add(edit(ann, version, post_id=post.id, title="A secret"))
    await world.add(edit(ann, 1, comment_id=root.id))
    await world.count()
    return written


def edit(who: models.User, version: int, **subject: object) -> models.ContentEdit:
    return models.ContentEdit(editor_id=who.id, version=version, body="Older secret.", replaced_at=LONG_AGO, **subject)


async def test_nothing_is_left_of_what_was_deleted_long_ago_and_all_else_stays(
    world: World, writing: WriteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene(world)
    before = {model: await contents(world, model) for model in (*DEFINITIONS, models.ChangeLog)}
    monkeypatch.setattr(forgetting_texts, "AT_ONCE", 2)
    await Upkeep(writing, [duty for duty in DUTIES if duty.name.startswith("forget old")]).run_all()
    assert [(row["slug"], row["title"], row["body"]) for row in await contents(world, models.Post)] == [
        ("deleted-1", "", ""), ("deleted-2", "", ""), ("deleted-3", "", ""),
        ("lately", "A secret", "My secret."), ("post-5", "Live", "Shown."),
    ]  # fmt: skip
    said = [row["body"] for row in await contents(world, models.Comment)]
    assert said == ["", "An answer.", "Said lately.", "Somebody else's, below."]
    kept = [(row["post_id"], row["comment_id"]) for row in await contents(world, models.ContentEdit)]
    assert kept == [(4, None), (5, None)]
    assert [row["post_id"] for row in await contents(world, models.PostSearch)] == [5]
    assert {model: await contents(world, model) for model in before} == before, "no number and nobody's feed"
    assert await drift(world) == {}
    events = [(row["action"], row["facts"]["ids"]) for row in await contents(world, models.AuditEvent)]
    assert sorted(events) == [("comment.forget_texts", [1]), ("post.forget_texts", [1, 2]), ("post.forget_texts", [3])]


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_it_cannot_be_brought_back_any_more_by_anybody(
    world: World, writing: WriteDatabase, *, is_forgotten: bool
) -> None:
    """From the thirtieth day on, whether or not a worker has been there."""
    written = await scene(world)
    ann, mod = Viewer(written[0].author_id), Viewer(2, Role.MODERATOR)
    if is_forgotten:
        await Writer(writing, ANONYMOUS).run(forgetting_texts.forget_posts)
        await Writer(writing, ANONYMOUS).run(forgetting_texts.forget_comments)
    before = await contents(world, models.Post), await contents(world, models.Comment)
    for viewer, command, subject_id in ((ann, posts.restore_post, 1), (mod, posts.restore_post, 2)):
        with pytest.raises(Refused, match="more than 30 days ago") as refused:
            await Writer(writing, viewer).run(command, subject_id)
        assert refused.value.reason is UserErrorCode.TOO_LATE
    with pytest.raises(Refused, match="This comment was deleted more than 30 days ago"):
        await Writer(writing, ann).run(comments.restore_comment, 1)
    bulk_id = await sent(writing, "restore-posts", [{"post": 2}])
    await runner(writing).run_all()
    assert [row["reason"] for row in await outcomes_of(world, bulk_id)] == ["TOO_LATE"]
    assert (await contents(world, models.Post), await contents(world, models.Comment)) == before
    await Writer(writing, ann).run(posts.restore_post, 4)
    await Writer(writing, ann).run(comments.restore_comment, 3)


async def test_what_is_too_old_is_found_without_a_search(writing: WriteDatabase) -> None:
    async def plan(tx: Transaction, statement: Statement) -> str:
        driver = tx.sql.driver
        await driver.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        await driver.execute(f"PREPARE it AS {statement.text}")
        lines = [row[0] for row in await driver.fetch("EXPLAIN EXECUTE it (now(), 10)")]
        await driver.execute("DEALLOCATE it")
        return "\n".join(lines)

    for statement, index in (
        (forgetting_texts.OLD_POSTS, "ix_posts_deleted_with_text"),
        (forgetting_texts.OLD_COMMENTS, "ix_comments_deleted_with_text"),
    ):
        found = await Writer(writing, ANONYMOUS).run(plan, statement)
        assert f"Index Scan using {index}" in found, found
        assert "Sort" not in found
