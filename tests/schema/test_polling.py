"""What a poll tells, what it keeps to itself, what it refuses, and what it costs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from feed_service.commands import (
    blocks,
    editing_posts,
    follows,
    moderation,
    mutes,
    posts,
    publishing,
    tag_follows,
)
from feed_service.commands.editing_posts import PostChange
from feed_service.commands.posts import NewPost
from feed_service.polling.tail import Tail
from feed_service.vocabulary import PublishMode
from tests.api import api_on
from tests.schema.square import Square, named, square_on


@pytest_asyncio.fixture
async def square(empty_database_url: str) -> AsyncIterator[Square]:
    async with square_on(empty_database_url) as square:
        yield square


def titles(edges: Any) -> list[str]:  # noqa: ANN401 - JSON.
    return [edge["node"]["title"] for edge in edges]


async def test_what_is_written_after_a_page_is_new_and_nothing_else_is(square: Square) -> None:
    client = await square.client()
    assert (await client.head())["newCount"] == {"value": 0, "isCapped": False}
    first = await square.post(square.ann, "by Ann")
    await square.post(square.ben, "on tea", "tea")
    await square.post(square.ben, "on mud", "mud")
    await square.post(square.mallory, "unseen", "tea")
    await square.post(square.vera, "draft", publish=PublishMode.DRAFT)
    head = await client.head()
    assert (head["newCount"]["value"], head["resetRequired"]) == (2, False)
    assert [author["username"] for author in head["newAuthors"]] == ["ben", "ann"]
    news = await client.changes()
    assert (titles(news["added"]), news["updated"], news["removedIds"]) == (["on tea", "by Ann"], [], [])
    client.apply(news)

    await square.do(square.ann, editing_posts.update_post, PostChange(first, title="by Ann, again"))
    assert (await client.head())["newCount"]["value"] == 0, "an edit is nothing new"
    news = await client.changes()
    assert (news["added"], [post["title"] for post in news["updated"]]) == ([], ["by Ann, again"])
    client.apply(news)
    await square.do(square.ann, posts.delete_post, first)
    news = await client.changes()
    assert (news["added"], news["updated"], news["removedIds"]) == ([], [], [named(first)])


async def test_what_was_written_just_before_is_told_to_whoever_says_so(square: Square) -> None:
    client = await square.client()
    await client.poll()
    await square.writers.run(square.ann, posts.create_post, NewPost("News"))
    square.api.is_fresh = True
    assert titles((await client.changes())["added"]) == ["News"]


async def test_what_was_written_through_this_process_is_told_at_once(square: Square) -> None:
    client = await square.client()
    await client.poll()
    await square.api('mutation { createPost(input: {title: "News", body: ""}) { post { id } } }', square.ann)
    assert titles((await client.changes())["added"]) == ["News"]


async def test_a_late_commit_is_new_though_others_came_first(square: Square) -> None:
    await square.writers.begin(square.ann, posts.create_post, NewPost("late"), holds=True)
    client = await square.client()
    await square.post(square.ann, "early")
    assert titles((await client.changes())["added"]) == ["early"]
    await client.poll()
    await square.writers.end()
    await square.api.polling.tail.caught_up(0)
    assert titles((await client.changes())["added"]) == ["late"]
    await client.poll()
    assert client.shown() == await client.wanted()


async def test_what_a_poll_has_seen_before_the_log_told_it_is_told_again(square: Square) -> None:
    """A poll looks at posts later than at the log, which may be a second old: here always in between."""
    client = await square.client()
    old, draft = square.old[0].id, await square.post(square.ann, "draft", publish=PublishMode.DRAFT)
    for post_id in (old, draft):
        await square.do(square.ann, editing_posts.update_post, PostChange(post_id, title=f"{post_id}"))
    await square.writers.run(square.ann, posts.delete_post, old)
    await client.poll()
    assert named(old) not in client.posts
    for command, given in (
        (posts.restore_post, old),
        (editing_posts.update_post, PostChange(old, title="back")),
        (publishing.publish_post, draft),
    ):
        await square.do(square.ann, command, given)
    await square.writers.run(square.ann, posts.delete_post, draft)
    await client.poll()
    assert client.shown() == await client.wanted()
    await square.do(square.ann, editing_posts.update_post, PostChange(old, title="late"))
    await square.writers.run(square.ann, posts.restore_post, draft)
    await client.poll()
    await square.do(square.ann, posts.delete_post, draft)
    await client.poll()
    assert client.shown() == await client.wanted()


async def test_a_post_that_fell_due_while_somebody_was_deleting_it_is_taken_out(square: Square) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    post_id = await square.post(square.ann, "due", publish=PublishMode.AT, publish_at=soon)
    client = await square.client()
    await square.writers.begin(square.ann, posts.delete_post, post_id, holds=True)
    while named(post_id) not in client.posts:
        await square.api.polling.tail.caught_up(0)
        await client.poll()
    await square.writers.end()
    await square.api.polling.tail.caught_up(0)
    assert (await client.changes())["removedIds"] == [named(post_id)], "though it was not public when that began"


async def test_a_page_counts_nothing_as_new_while_others_write(square: Square) -> None:
    """Whatever is committed between the page and the poll was either on the page or is told."""
    for number in range(10):
        await square.writers.begin(square.ann, posts.create_post, NewPost(f"{number}"), holds=True)
        client = await square.client()
        on_page = len(client.posts)
        if square.writers.held:
            square.writers.let_go(0)
        assert (await client.head())["newCount"]["value"] + on_page <= len(await client.wanted())
    await square.writers.end()
    await square.api.polling.tail.caught_up(0)
    await client.poll()
    assert client.shown() == await client.wanted()


async def test_windows_are_cut_between_posts_and_lose_none(square: Square) -> None:
    client = await square.client(window=3)
    soon = datetime.now(UTC) + timedelta(seconds=0.4)
    for number in range(5):
        await square.post(square.ann, f"due {number}", publish=PublishMode.AT, publish_at=soon)
    for number in range(7):
        await square.post(square.ann, f"now {number}")
    while datetime.now(UTC) < soon:
        await square.api.polling.tail.caught_up(0)
    await square.do(None, publishing.publish_due)
    assert (await client.head())["newCount"]["value"] == 12
    windows: list[Any] = []
    while not windows or windows[-1]["hasMore"]:
        windows.append(await client.changes())
        client.apply(windows[-1])
    told = [title for window in windows for title in titles(window["added"])]
    assert set(told) == {f"due {n}" for n in range(5)} | {f"now {n}" for n in range(7)}
    assert max(len(window["added"]) for window in windows) == 3
    assert len(told) <= 17, "only what was scheduled in this window may be told of twice"
    assert client.shown() == await client.wanted()


async def test_the_number_is_capped_and_the_windows_are_not(square: Square) -> None:
    client = await square.client(window=100)
    for number in range(103):
        await square.writers.run(square.ann if number % 2 else square.vera, posts.create_post, NewPost(f"{number}"))
    await square.api.polling.tail.caught_up(0)
    head = await client.head()
    assert head["newCount"] == {"value": 100, "isCapped": True}
    assert [author["username"] for author in head["newAuthors"]] == ["vera", "ann"]
    news = await client.changes()
    assert (len(news["added"]), news["hasMore"]) == (100, True)
    client.apply(news)
    assert (await client.head())["newCount"] == {"value": 3, "isCapped": False}


OWN_TIES = {
    "follow": (follows.follow_user, "ben", {"HOME", "FOLLOWING_USERS"}),
    "unfollow": (follows.unfollow_user, "ann", {"HOME", "FOLLOWING_USERS"}),
    "block": (blocks.block_user, "ben", {"HOME", "FOLLOWING_USERS", "FOLLOWING_TAGS", "GLOBAL", "POPULAR"}),
    "mute": (mutes.mute_user, "ben", {"HOME", "FOLLOWING_USERS", "FOLLOWING_TAGS", "GLOBAL", "POPULAR"}),
}


@pytest.mark.parametrize("tie", [*OWN_TIES, "follow tag"])
async def test_who_changes_what_a_feed_is_made_of_begins_anew(square: Square, tie: str) -> None:
    clients = {kind: await square.client(kind) for kind in ("HOME", "FOLLOWING_USERS", "FOLLOWING_TAGS", "GLOBAL")}
    clients["POPULAR"] = await square.client("POPULAR")
    others = await square.client(who=square.ben)
    if tie == "follow tag":
        wanted = {"HOME", "FOLLOWING_TAGS"}
        await square.do(square.vera, tag_follows.unfollow_tags, ["tea"])
    else:
        command, name, wanted = OWN_TIES[tie]
        await square.do(square.vera, command, getattr(square, name).id)
    assert {kind for kind, client in clients.items() if (await client.head())["resetRequired"]} == wanted
    assert {kind for kind, client in clients.items() if (await client.changes())["resetRequired"]} == wanted
    assert (await others.changes())["resetRequired"] is (tie == "block"), "a block changes the feeds of both"
    (await clients["HOME"].changes())
    if "HOME" in wanted:
        token = (await clients["HOME"].changes())["nextToken"]
        clients["HOME"].token = token
        assert not (await clients["HOME"].changes())["resetRequired"], "with the fresh token it is over"


async def test_who_is_suspended_matters_to_those_whose_feeds_hold_them(square: Square) -> None:
    await square.post(square.ben, "on tea", "tea")
    by_tag, by_user, public = [await square.client(kind) for kind in ("FOLLOWING_TAGS", "FOLLOWING_USERS", "GLOBAL")]
    await square.do(square.max, moderation.suspend_user, square.ben.id, "spam")
    assert [(await client.changes())["resetRequired"] for client in (by_tag, by_user, public)] == [True, False, True]
    for client in (by_tag, by_user, public):
        await client.poll()
    await square.do(square.max, moderation.suspend_user, square.mallory.id, "spam")
    assert [(await client.changes())["resetRequired"] for client in (by_tag, by_user, public)] == [False] * 3


async def test_nothing_names_what_the_viewer_could_not_have_seen(square: Square) -> None:
    draft = await square.post(square.ann, "draft", publish=PublishMode.DRAFT)
    later = datetime.now(UTC) + timedelta(hours=1)
    scheduled = await square.post(square.ann, "scheduled", publish=PublishMode.AT, publish_at=later)
    gone = await square.post(square.ben, "of the suspended", "tea")
    await square.do(square.max, moderation.suspend_user, square.ben.id, "spam")
    client = await square.client()
    unseen = await square.post(square.mallory, "of the blocked", "tea")
    for who, post_id in (
        (square.ann, draft), (square.ann, scheduled), (square.max, gone), (square.mallory, unseen),
    ):  # fmt: skip
        if who is square.ann:
            await square.do(who, editing_posts.update_post, PostChange(post_id, title="again"))
        await square.do(who, posts.delete_post, post_id)
    news = await client.changes()
    assert (news["added"], news["updated"], news["removedIds"]) == ([], [], [])


async def test_a_post_that_leaves_a_filter_is_taken_out(square: Square) -> None:
    post_id = await square.post(square.ann, "on rain", "rain")
    client = await square.client(filter={"tags": ["rain"]})
    assert titles(client.shown()) == ["on rain"]
    await square.do(square.ann, editing_posts.update_post, PostChange(post_id, title="on rain, again"))
    news = await client.changes()
    assert (news["added"], [post["title"] for post in news["updated"]]) == ([], ["on rain, again"])
    await square.do(square.ann, editing_posts.update_post, PostChange(post_id, tags=["mud"]))
    assert (await client.changes())["removedIds"] == [named(post_id)]


async def test_what_grows_too_old_for_a_window_is_taken_out(square: Square) -> None:
    young = await square.world.post(square.ann, "an hour old", datetime.now(UTC) - timedelta(minutes=59, seconds=59.2))
    client = await square.client(filter={"window": "HOUR"})
    assert titles(client.shown()) == ["an hour old"]
    while await client.wanted():
        await square.api.polling.tail.caught_up(0)
    await square.api.polling.tail.caught_up(0)
    assert named(young.id) in (await client.changes())["removedIds"]


async def test_who_was_away_for_longer_than_a_process_remembers_is_told_all_the_same(square: Square) -> None:
    client = await square.client()
    first = await square.post(square.ann, "first")
    soon = datetime.now(UTC) + timedelta(seconds=0.1)
    await square.post(square.ann, "due", publish=PublishMode.AT, publish_at=soon)
    await square.do(square.vera, follows.follow_user, square.max.id)
    away = await square.client()
    await square.post(square.ben, "on tea", "tea")
    await square.do(square.ann, posts.delete_post, first)
    while datetime.now(UTC) < soon:
        await square.api.polling.tail.caught_up(0)
    async with api_on(str(square.world.engine.url.render_as_string(hide_password=False))) as other:
        away.api = client.api = other
        await other.polling.tail.caught_up(0)
        assert other.polling.tail.since(_snapshot(square.api.polling.tail), 0) is None, "it remembers nothing"
        assert (await client.changes())["resetRequired"], "the tie changed while nobody looked"
        news = await away.changes()
        assert (set(titles(news["added"])), news["removedIds"]) == ({"on tea", "due"}, [named(first)])
        away.apply(news)
        assert away.shown() == await away.wanted()


def _snapshot(tail: Tail) -> Any:  # noqa: ANN401
    return tail.standing.snapshot._replace(xmin=1, xmax=2, open_xids=frozenset())
