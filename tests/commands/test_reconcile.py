"""Reconciliation: it finds what is wrong and nothing else, beside writers too, and puts it right with an audit row."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from feed_service import models
from feed_service.cli import cli
from feed_service.commands.drift import USERS, repaired
from feed_service.commands.reconcile import Tally, reconcile
from feed_service.commands.transaction import Writer
from tests.api import Api, global_id
from tests.commands.laws import contents, drift
from tests.world import World, world_on

Facts = dict[str, Any]


async def run(world: World, statement: str) -> None:
    async with world.engine.begin() as connection:
        assert (await connection.execute(text(statement))).rowcount == 1


async def found(writer: Writer, *, may_repair: bool = False, sample: int | None = None) -> tuple[list[Facts], Tally]:
    tally = Tally()
    rows = [row.facts() async for row in reconcile(writer, tally, may_repair=may_repair, sample=sample)]
    return rows, tally


async def some_of_everything(world: World) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    bread, rye = await world.tag("bread"), await world.tag("rye")
    posts = [await world.post(ann, "Bread", tags=(bread, rye)), await world.post(bob, tags=(rye,))]
    await world.follow(ann, bob)
    await world.follow_tag(ann, bread)
    await world.like(ann, posts[1])
    root = await world.comment(bob, posts[0])
    await world.comment(ann, posts[0], root)
    await world.add(models.CommentLike(user_id=ann.id, comment_id=root.id))
    await world.add(models.Bookmark(user_id=bob.id, post_id=posts[0].id))
    await world.count()


WRONG: list[tuple[str, dict[str, int], str, Any, Any]] = [
    ("post_stats", {"post_id": 2}, "like_count", 5, 1),
    ("post_stats", {"post_id": 1}, "comment_count", 0, 2),
    ("post_stats", {"post_id": 1}, "bookmark_count", 0, 1),
    ("post_stats", {"post_id": 1}, "commenter_count", 9, 2),
    ("post_commenter", {"post_id": 1, "user_id": 1}, "n", 3, 1),
    ("post_rank", {"post_id": 1}, "comment_count", 7, 2),
    ("post_tags", {"post_id": 2, "tag_id": 2}, "is_deleted", True, False),
    ("comment_stats", {"comment_id": 1}, "like_count", 2, 1),
    ("comment_stats", {"comment_id": 1}, "reply_count", 0, 1),
    ("comment_stats", {"comment_id": 1}, "descendant_count", 0, 1),
    ("comment_rank", {"comment_id": 1}, "like_count", 0, 1),
    ("user_stats", {"user_id": 1}, "post_count", 2, 1),
    ("user_stats", {"user_id": 2}, "follower_count", 0, 1),
    ("user_stats", {"user_id": 1}, "following_count", 9, 1),
    ("user_stats", {"user_id": 2}, "received_like_count", 0, 1),
    ("user_stats", {"user_id": 2}, "comment_count", 0, 1),
    ("user_stats", {"user_id": 2}, "view_count", 2, 0),
    ("tag_stats", {"tag_id": 2}, "post_count", 1, 2),
    ("tag_stats", {"tag_id": 1}, "follower_count", 0, 1),
]
OTHERWISE: list[tuple[str, Facts]] = [
    (
        "UPDATE post_search SET document = to_tsvector('simple', 'rye') WHERE post_id = 1",
        {"table": "post_search", "key": {"post_id": 1}, "how": "wrong", "columns": ["document"]},
    ),
    (
        "DELETE FROM comment_rank WHERE comment_id = 2",
        {
            "table": "comment_rank", "key": {"comment_id": 2}, "how": "missing",
            "columns": ["post_id", "parent_id", "like_count"],
        },
    ),
    (
        "INSERT INTO post_commenter VALUES (2, 1, 1)",
        {"table": "post_commenter", "key": {"post_id": 2, "user_id": 1}, "how": "superfluous", "columns": ["n"]},
    ),
]  # fmt: skip


def injections() -> Iterator[tuple[str, Facts]]:
    """(a statement, what a reconciliation tells of it)."""
    for table, key, column, stored, wanted in WRONG:
        where = " AND ".join(f"{name} = {value}" for name, value in key.items())
        sides = {"stored": {column: stored}, "wanted": {column: wanted}}
        statement = f"UPDATE {table} SET {column} = {stored} WHERE {where}"  # noqa: S608 - our own words.
        yield statement, {"table": table, "key": key, "how": "wrong", "columns": [column], **sides}
    yield from OTHERWISE


async def test_each_kind_of_drift_is_found_told_exactly_and_put_right(world: World, writer: Writer) -> None:
    await some_of_everything(world)
    right = await contents(world)
    told = []
    for injected, expected in injections():
        told.append(expected)
        await run(world, injected)
        rows, tally = await found(writer)
        assert rows == [expected]
        assert tally.checked == {"posts": 2, "comments": 2, "users": 2, "tags": 2}
        assert tally.drift == {f"{expected['table']}.{column}": 1 for column in expected["columns"]}
        rows, tally = await found(writer, may_repair=True)
        assert (rows, tally.repaired) == ([expected], 1)
    after = await contents(world)
    trail = [(row["stream"], row["action"], row["facts"]) for row in after["audit_events"]]
    assert trail == [("system", "numbers.repair", facts) for facts in told]
    assert after | {"audit_events": [], "audit_streams": []} == right


async def test_what_is_right_is_left_alone(world: World, writer: Writer) -> None:
    await some_of_everything(world)
    before = await contents(world)
    assert (await found(writer, may_repair=True))[0] == []
    assert await contents(world) == before


async def test_a_sample_finds_drift_by_chance_here_for_certain(world: World, writer: Writer) -> None:
    """Wherever a stretch begins among two tags, it reaches the second."""
    await some_of_everything(world)
    await run(world, "UPDATE tag_stats SET post_count = 7 WHERE tag_id = 2")
    assert (await found(writer, sample=1))[1].checked["tags"] == 1
    assert (await found(writer, sample=50))[1].drift == {"tag_stats.post_count": 1}


async def test_a_reconciliation_finds_nothing_while_writers_are_at_work(world: World, api: Api, writer: Writer) -> None:
    people = [await world.user(f"user{number}") for number in range(4)]
    tag = await world.tag("bread")
    posts = [await world.post(people[0], tags=(tag,)) for _ in range(3)]
    await world.count()
    is_over = asyncio.Event()

    async def write(me: models.User, number: int) -> None:
        subject, other = global_id(posts[number % 3]), global_id(people[(number + 1) % 4])
        comment = 'createComment(input: {postId: $id, body: "Yes.", idempotencyKey: "%d-%d"}) { userErrors { code } }'
        calls = [
            ("like(subjectId: $id) { userErrors { code } }", subject),
            ("bookmark(input: {subjectId: $id}) { userErrors { code } }", subject),
            ("followUser(id: $id) { userErrors { code } }", other),
            (comment, subject),
            ("unlike(subjectId: $id) { userErrors { code } }", subject),
            ("unbookmark(subjectId: $id) { userErrors { code } }", subject),
            ("unfollowUser(id: $id) { userErrors { code } }", other),
        ]
        turn = 0
        while not is_over.is_set():
            for call, subject_id in calls:
                text_of = call % (me.id, turn) if "%d" in call else call
                (payload,) = (await api(f"mutation ($id: ID!) {{ {text_of} }}", me, id=subject_id)).values()
                assert payload["userErrors"] == []
            turn += 1

    writing = [asyncio.create_task(write(me, number)) for number, me in enumerate(people)]
    for may_repair in (False, True) * 3:
        assert (await found(writer, may_repair=may_repair))[0] == []
    # Injected beside the writers, it is put right beside them.
    await run(world, "UPDATE post_stats SET like_count = like_count + 100 WHERE post_id = 1")
    await run(world, "UPDATE user_stats SET following_count = following_count + 100 WHERE user_id = 2")
    rows, _ = await found(writer, may_repair=True)
    assert [(row["table"], row["columns"]) for row in rows] == [
        ("post_stats", ["like_count"]),
        ("user_stats", ["following_count"]),
    ]
    is_over.set()
    await asyncio.gather(*writing)
    assert await drift(world) == {}


async def test_a_writer_under_way_adds_to_what_was_put_right(world: World, api: Api, writer: Writer) -> None:
    """The follow is made but not yet counted when the recount begins."""
    ann, bob = await world.user("ann"), await world.user("bob")
    await world.count()
    await run(world, "UPDATE user_stats SET follower_count = 40 WHERE user_id = 2")
    async with world.engine.begin() as connection:
        await connection.execute(text("SELECT 1 FROM user_stats FOR UPDATE"))
        following = asyncio.create_task(
            api("mutation ($id: ID!) { followUser(id: $id) { userErrors { code } } }", ann, id=global_id(bob))
        )
        await asyncio.sleep(0.1)
        repairing = asyncio.create_task(writer.run(repaired, USERS, [ann.id, bob.id]))
        await asyncio.sleep(0.1)
        assert not following.done()
        assert not repairing.done()
    await asyncio.gather(following, repairing)
    assert await drift(world) == {}
    [row] = await repairing
    assert row.columns in ({"follower_count": (40, 0)}, {"follower_count": (41, 1)})


async def one_wrong_number(url: str) -> None:
    async with world_on(url) as world:
        await some_of_everything(world)
        await run(world, "UPDATE tag_stats SET post_count = 7 WHERE tag_id = 2")


def test_the_command_prints_a_line_for_each_row_and_exits_with_1_unless_it_puts_them_right(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(one_wrong_number(empty_database_url))
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    for words, exit_code, put_right in (([], 1, 0), (["--repair"], 0, 1)):
        done = CliRunner().invoke(cli, ["reconcile", *words])
        assert done.exit_code == exit_code
        assert json.loads(done.stdout) == {
            "table": "tag_stats", "key": {"tag_id": 2}, "how": "wrong", "columns": ["post_count"],
            "stored": {"post_count": 7}, "wanted": {"post_count": 2},
        }  # fmt: skip
        assert done.stderr.splitlines() == [
            "looked at 2 posts, 2 comments, 2 users, 2 tags",
            "tag_stats.post_count: 1 wrong",
            f"{put_right} rows put right",
        ]
    done = CliRunner().invoke(cli, ["reconcile"])
    assert (done.exit_code, done.stdout) == (0, "")
