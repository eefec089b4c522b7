"""Posts deleted by the thousand with what hangs on them, and brought back as they were."""

from datetime import UTC, datetime, timedelta
from typing import Any

from feed_service import models
from feed_service.commands.bulk import uploads
from feed_service.commands.transaction import Writer
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS
from tests.commands.bulk.sending import done, outcomes_of, runner, sent
from tests.commands.laws import DEFINITIONS, contents, drift
from tests.world import NEVER, World


async def numbers(world: World) -> object:
    return [await contents(world, model) for model in DEFINITIONS]


async def test_a_deletion_takes_all_along_and_can_be_undone(world: World, writing: WriteDatabase) -> None:
    ann, bob, tag = await world.user("ann"), await world.user("bob"), await world.tag("cats")
    one, other = await world.post(ann, tags=(tag,), slug="one"), await world.post(bob, tags=(tag,))
    draft = await world.post(ann, at=NEVER, tags=(tag,))
    soon = await world.post(ann, at=datetime.now(UTC) + timedelta(days=1), status="scheduled")
    earlier = await world.post(ann, deleted_at=datetime.now(UTC) - timedelta(days=1), tags=(tag,))
    await world.comment(bob, one, await world.comment(ann, one))
    await world.like(bob, one)
    await world.count()
    before = await numbers(world)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"post": "one"}, "deleted"),
        ({"post": one.id}, "already_deleted"),
        ({"post": draft.id}, "deleted"),
        ({"post": soon.id}, "deleted"),
        ({"post": earlier.id}, "already_deleted"),
        ({"post": 10**12}, "NOT_FOUND"),
        ({"post": "two"}, "NOT_FOUND"),
    ]
    bulk_id = await sent(writing, "delete-posts", [line for line, _ in cases])
    await runner(writing).run_all()
    assert [row.get("reason", row["outcome"]) for row in await outcomes_of(world, bulk_id)] == [
        case for _, case in cases
    ]
    assert await drift(world) == {}
    stats = {row["user_id"]: row for row in await contents(world, models.UserStats)}
    assert (stats[ann.id]["post_count"], stats[ann.id]["received_like_count"]) == (0, 0)
    assert stats[bob.id]["comment_count"] == 1, "a deleted post takes nothing from its commenters"
    assert {row["post_id"] for row in await contents(world, models.PostRank)} == {other.id}
    deleted = {row["id"]: row["deleted_at"] for row in await contents(world, models.Post) if row["deleted_at"]}
    assert deleted.keys() == {one.id, draft.id, soon.id, earlier.id}
    assert deleted[earlier.id] == earlier.deleted_at, "what was deleted before is not stamped anew"

    undone = await Writer(writing, ANONYMOUS).run(uploads.undo, bulk_id, is_dry_run=False)
    await runner(writing).run_all()
    assert [row["outcome"] for row in await outcomes_of(world, undone)] == ["restored"] * 3
    assert await numbers(world) == before
    changes = [
        (row["action"], row["subject_id"], row["was_listed"], row["is_listed"])
        for row in await contents(world, models.ChangeLog)
    ]
    assert changes == [
        ("delete", one.id, True, False), ("delete", draft.id, False, False), ("delete", soon.id, False, False),
        ("restore", one.id, False, True), ("restore", draft.id, False, False), ("restore", soon.id, False, False),
    ]  # fmt: skip


async def test_what_was_changed_since_is_left_alone(world: World, writing: WriteDatabase) -> None:
    ann = await world.user("ann")
    posts = [await world.post(ann) for _ in range(3)]
    await world.count()
    bulk_id = await sent(writing, "delete-posts", [{"post": post.id} for post in posts])
    await runner(writing).run_all()
    await done(world, writing, "restore-posts", [{"post": posts[0].id}, {"post": posts[1].id}])
    await done(world, writing, "delete-posts", [{"post": posts[1].id}])
    again = [{"post": post.id, "deletedBy": bulk_id} for post in posts] + [{"post": posts[0].id}]
    outcomes = await done(world, writing, "restore-posts", again)
    assert outcomes == ["changed_since", "changed_since", "restored", "not_deleted"]
    assert await drift(world) == {}


async def test_nobody_brings_back_what_its_author_has_deleted(world: World, writing: WriteDatabase) -> None:
    ann, bob, mo = [await world.user(name) for name in ("ann", "bob", "mo")]
    gone = await world.user("gone", deleted_at=datetime.now(UTC))
    now = datetime.now(UTC)
    cases = [(ann, ann, "FORBIDDEN"), (ann, mo, "restored"), (bob, None, "restored"), (gone, mo, "FORBIDDEN")]
    posts = [await world.post(author, deleted_at=now, deleted_by_id=by and by.id) for author, by, _ in cases]
    await world.count()
    outcomes = await done(world, writing, "restore-posts", [{"post": post.id} for post in posts])
    assert outcomes == [case for *_, case in cases]
    assert await drift(world) == {}
