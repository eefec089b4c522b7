"""Whoever polls a thread ends with what a fresh page of it shows, and learns nothing that is hidden from them."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from feed_service import models
from feed_service.commands import blocks, comments, moderation, posts
from tests.api import Api, Refused
from tests.schema.square import Square, named, square_on

COMMENT = "id body isTombstone parent { id } author { username }"
TREE = f"""query ($id: ID!) {{ post(by: {{id: $id}}) {{
    commentTree(first: 100, maxDepth: 100) {{ nodes {{ {COMMENT} }} syncToken }} }} }}"""
ARGUMENTS = "$id: ID!, $since: SyncToken!, $first: Int!"
CHANGES = f"""query ({ARGUMENTS}) {{ threadChanges(postId: $id, since: $since, first: $first) {{
    added {{ {COMMENT} }} updated {{ {COMMENT} }} removedIds nextToken hasMore resetRequired pollAfterSeconds }} }}"""
"""By `parent` and `id` a client puts a comment in its place; the order of siblings is that of their ids here."""


@dataclass
class Reader:
    api: Api
    who: models.User | None
    post_id: str
    window: int = 50
    token: str = ""
    comments: dict[str, Any] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)

    async def page(self) -> Any:  # noqa: ANN401 - JSON.
        found = (await self.api(TREE, self.who, id=self.post_id))["post"]
        return found["commentTree"] if found else {"nodes": [], "syncToken": self.token}

    async def load(self) -> None:
        page = await self.page()
        self.token = page["syncToken"]
        self.comments = {one["id"]: one for one in page["nodes"]}

    async def changes(self) -> Any:  # noqa: ANN401 - JSON.
        found = await self.api(CHANGES, self.who, id=self.post_id, since=self.token, first=self.window)
        return found["threadChanges"]

    async def poll(self) -> Any:  # noqa: ANN401 - JSON: the last answer.
        while True:
            news = await self.changes()
            if news["resetRequired"]:
                await self.load()
                return news
            self.heard |= {one["body"] or "" for one in (*news["added"], *news["updated"])}
            self.comments |= {one["id"]: one for one in news["added"]}
            self.comments |= {one["id"]: one for one in news["updated"] if one["id"] in self.comments}
            for gone in news["removedIds"]:
                self.comments.pop(gone, None)
            self.token = news["nextToken"]
            if not news["hasMore"]:
                return news

    async def is_right(self) -> bool:
        return self.comments == {one["id"]: one for one in (await self.page())["nodes"]}


@pytest_asyncio.fixture
async def square(empty_database_url: str) -> AsyncIterator[Square]:
    async with square_on(empty_database_url) as square:
        yield square


async def thread(square: Square) -> tuple[int, Reader]:
    """The post, and Vera, who has read its comments."""
    post_id = square.old[0].id
    reader = Reader(square.api, square.vera, named(post_id))
    await reader.load()
    return post_id, reader


async def test_comments_come_change_and_go(square: Square) -> None:
    post_id, reader = await thread(square)
    root = await square.do(square.ben, comments.create_comment, post_id, None, "first")
    reply = await square.do(square.ann, comments.create_comment, post_id, root, "reply")
    news = await reader.poll()
    assert [one["body"] for one in news["added"]] == ["first", "reply"]
    await square.do(square.ben, comments.update_comment, root, "edited")
    news = await reader.poll()
    assert ([one["body"] for one in news["updated"]], news["added"], news["removedIds"]) == (["edited"], [], [])
    await square.do(square.ben, comments.delete_comment, root)
    news = await reader.poll()
    assert [(one["isTombstone"], one["author"]) for one in news["updated"]] == [(True, None)]
    await square.do(square.ann, comments.delete_comment, reply)
    news = await reader.poll()
    assert set(news["removedIds"]) == {named(root, models.Comment), named(reply, models.Comment)}
    await square.do(square.ann, comments.restore_comment, reply)
    news = await reader.poll()
    assert {(one["id"], one["isTombstone"]) for one in news["added"]} == {
        (named(root, models.Comment), True), (named(reply, models.Comment), False)
    }  # fmt: skip
    assert await reader.is_right()


async def test_what_the_blocked_say_is_never_told(square: Square) -> None:
    post_id, reader = await thread(square)
    unseen = await square.do(square.mallory, comments.create_comment, post_id, None, "unseen")
    below = await square.do(square.mallory, comments.create_comment, post_id, unseen, "unseen as well")
    await square.do(square.mallory, comments.update_comment, below, "still unseen")
    await square.do(square.mallory, comments.delete_comment, below)
    news = await reader.poll()
    assert (news["added"], news["updated"], news["removedIds"]) == ([], [], [])
    reply = await square.do(square.ben, comments.create_comment, post_id, unseen, "seen")
    news = await reader.poll()
    assert [(one["body"], one["isTombstone"]) for one in news["added"]] == [(None, True), ("seen", False)]
    await square.do(square.ben, comments.delete_comment, reply)
    news = await reader.poll()
    assert set(news["removedIds"]) == {named(unseen, models.Comment), named(reply, models.Comment)}
    assert reader.comments == {}


async def test_who_sees_another_thread_now_begins_anew(square: Square) -> None:
    post_id, reader = await thread(square)
    await square.do(square.ben, comments.create_comment, post_id, None, "by Ben")
    await reader.poll()
    await square.do(square.vera, blocks.block_user, square.ben.id)
    assert (await reader.poll())["resetRequired"]
    assert reader.comments == {}
    await square.do(square.vera, blocks.unblock_user, square.ben.id)
    assert (await reader.poll())["resetRequired"]
    await square.do(square.max, moderation.suspend_user, square.mallory.id, "spam")
    assert not (await reader.poll())["resetRequired"], "of somebody who takes no part"
    await square.do(square.max, moderation.suspend_user, square.ben.id, "spam")
    assert (await reader.poll())["resetRequired"]
    assert await reader.is_right()
    await square.do(square.ann, posts.delete_post, post_id)
    assert (await reader.poll())["resetRequired"], "its page says what has become of it"


async def test_a_hidden_post_tells_nothing_more_to_whoever_goes_on_asking(square: Square) -> None:
    post_id, reader = await thread(square)
    await square.do(square.ann, blocks.block_user, square.vera.id)
    reader.token = (await reader.changes())["nextToken"]
    await square.do(square.ben, comments.create_comment, post_id, None, "secret")
    news = await reader.changes()
    assert (news["added"], news["resetRequired"]) == ([], True)


@pytest.mark.parametrize("seed", range(2))
async def test_every_reader_ends_with_what_a_fresh_page_shows(square: Square, seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311 - the same every time.
    post_id, vera = await thread(square)
    readers = [vera, *(Reader(square.api, who, vera.post_id, window=2) for who in (square.ben, None))]
    for reader in readers:
        await reader.load()
    people, said = [square.ann, square.ben, square.mallory], [(square.ann, 0)]
    for _ in range(60):
        who, (author, comment_id) = pick.choice(people), pick.choice(said)
        parent = comment_id or None
        todo: list[tuple[Any, Any, tuple[Any, ...]]] = [
            (who, comments.create_comment, (post_id, parent, f"{who.username} {pick.random()}")),
            (author, comments.update_comment, (comment_id, f"{author.username} {pick.random()}")),
            (author, comments.delete_comment, (comment_id,)),
            (author, comments.restore_comment, (comment_id,)),
        ]
        doer, command, given = pick.choice(todo if comment_id else todo[:1])

        async def work(tx: Any, command: Any = command, given: Any = given, doer: Any = doer) -> None:  # noqa: ANN401
            answer = await command(tx, *given)
            if command is comments.create_comment:
                said.append((doer, answer))

        await square.writers.begin(doer, work, holds=pick.random() < 0.3)
        if square.writers.held and pick.random() < 0.4:
            square.writers.let_go(0)
        await square.api.polling.tail.caught_up(0)
        await pick.choice(readers).poll()
    await square.writers.end()
    await square.api.polling.tail.caught_up(0)
    for reader in readers:
        await reader.poll()
        assert await reader.is_right()
    assert not any(body.startswith("mallory") for body in vera.heard)
    assert any(body.startswith("mallory") for body in readers[1].heard)
    assert len(said) > 10


async def test_the_token_of_another_thread_is_refused(square: Square) -> None:
    _, reader = await thread(square)
    for who, post in ((square.ben, reader.post_id), (square.vera, named(square.old[1].id))):
        with pytest.raises(Refused) as refusal:
            await Reader(square.api, who, post, token=reader.token).changes()
        assert refusal.value.codes == ["INVALID_CURSOR"]
    with pytest.raises(Refused) as refusal:
        await Reader(square.api, square.vera, reader.post_id, 101, reader.token).changes()
    assert refusal.value.codes == ["BAD_USER_INPUT"]
