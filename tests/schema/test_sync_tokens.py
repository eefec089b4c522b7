"""What tokens and gaps are good for, what is refused, and what a poll costs that finds nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from feed_service.commands import comments, likes, posts
from feed_service.commands.posts import NewPost
from feed_service.polling.tokens import of_feed
from feed_service.vocabulary import FeedKind
from tests.api import Refused, global_id, viewer_of
from tests.commands.writing import CREATE, asked
from tests.reads import all_busy
from tests.schema.square import Square, square_on


@pytest_asyncio.fixture
async def square(empty_database_url: str) -> AsyncIterator[Square]:
    async with square_on(empty_database_url) as square:
        yield square


async def code_of(square: Square, query: str, viewer: str | None = "vera") -> str:
    with pytest.raises(Refused) as refusal:
        await square.api(query, getattr(square, viewer) if viewer else None)
    (code,) = refusal.value.codes
    return str(code)


async def test_a_token_is_good_for_one_viewer_and_one_feed(square: Square) -> None:
    token = (await square.client()).token
    for arguments, viewer in (
        ("kind: HOME", "ben"),
        ("kind: HOME", None),
        ("kind: GLOBAL", "vera"),
        ('kind: HOME, filter: {tags: ["tea"]}', "vera"),
    ):
        for field in ("feedHead(%s) { token }", "feedChanges(%s) { nextToken }"):
            asked_for = field % f'{arguments}, since: "{token}"'
            assert await code_of(square, f"{{ {asked_for} }}", viewer) == "INVALID_CURSOR"
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    consistency = (await asked(square.api, CREATE, square.ann, input={"title": "News"}))["consistencyToken"]
    for wrong in (changed, consistency, "", "é", "x" * 20_000):
        query = f'{{ feedChanges(kind: HOME, since: "{wrong}") {{ nextToken }} }}'
        assert await code_of(square, query) == "INVALID_CURSOR"


async def test_a_mutation_that_is_done_is_no_error_when_nobody_can_tell_how_far_the_log_is(square: Square) -> None:
    query = 'mutation { createPost(input: {title: "News", body: ""}) { userErrors { code } consistencyToken } }'
    async with all_busy(square.api.database):
        answer = await square.api(query, square.ann)
    assert answer == {"createPost": {"userErrors": [], "consistencyToken": None}}


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_a_window_has_between_1_and_100_posts(square: Square, first: int) -> None:
    token = (await square.client()).token
    query = f'{{ feedChanges(kind: HOME, since: "{token}", first: {first}) {{ hasMore }} }}'
    assert await code_of(square, query) == "BAD_USER_INPUT"
    query = f'{{ feedHead(kind: HOME, since: "{token}") {{ newAuthors(first: {first}) {{ id }} }} }}'
    assert await code_of(square, query) == "BAD_USER_INPUT"


async def test_nobody_polls_an_empty_home(square: Square) -> None:
    query = "{ feed(kind: HOME) { emptyReason nodes { id } head { token cursor newCount { value } } } }"
    page = (await square.api(query))["feed"]
    assert (page["emptyReason"], page["nodes"], page["head"]["cursor"]) == ("ANONYMOUS", [], None)
    await square.post(square.ann, "News", "tea")
    query = f"""{{ feedHead(kind: HOME, since: "{page["head"]["token"]}") {{ newCount {{ value }} resetRequired }}
        feedChanges(kind: HOME, since: "{page["head"]["token"]}") {{ added {{ position }} resetRequired }} }}"""
    found = await square.api(query)
    assert found["feedHead"] == {"newCount": {"value": 0}, "resetRequired": False}
    assert found["feedChanges"] == {"added": [], "resetRequired": False}


async def test_another_history_and_a_forgotten_past_begin_anew(square: Square) -> None:
    client = await square.client()
    async with square.world.engine.begin() as connection:
        await connection.execute(text("INSERT INTO change_log_horizon (xid) SELECT pg_current_xact_id()"))
    await square.api.polling.tail.caught_up(0)
    news = await client.changes()
    assert (news["resetRequired"], news["added"]) == (True, [])
    assert (await client.head())["resetRequired"]
    await client.load()
    assert not (await client.changes())["resetRequired"]
    async with square.world.engine.begin() as connection:
        await connection.execute(text("UPDATE feed_epoch SET epoch = epoch + 1"))
    await square.api.polling.tail.caught_up(0)
    assert (await client.changes())["resetRequired"]
    await client.poll()
    assert not (await client.changes())["resetRequired"]


async def test_the_first_page_of_a_new_database_can_be_polled(square: Square) -> None:
    async with square.world.engine.begin() as connection:
        await connection.execute(text("DELETE FROM feed_epoch"))
    client = await square.client()
    await square.post(square.ann)
    assert (await client.head())["newCount"]["value"] == 1


RANKED = """query ($since: SyncToken) { feed(kind: POPULAR, order: %s) { head { token resetRequired } }
    feedHead(kind: POPULAR, since: $since) { resetRequired newCount { value } } }"""


async def test_a_ranked_feed_begins_anew_with_its_next_ranking(square: Square) -> None:
    for order in ("HOT", "TOP"):
        token = (await square.api(RANKED % order, square.vera))["feed"]["head"]["token"]
        await square.post(square.ann)
        found = (await square.api(RANKED % order, square.vera, since=token))["feedHead"]
        assert found == {"resetRequired": False, "newCount": {"value": 0}}
        tokens, purpose, vera = square.api.polling.tokens, of_feed(FeedKind.POPULAR), viewer_of(square.vera)
        stands = tokens.decode(purpose, vera, token)
        token = tokens.encode(purpose, vera, stands._replace(generation=f"{order}:1"))
        assert (await square.api(RANKED % order, square.vera, since=token))["feedHead"]["resetRequired"]


GAP = """query ($first: Int, $after: String, $before: String) {
    feed(kind: HOME, first: $first, after: $after, before: $before) {
        edges { cursor node { title } } gap { after before missing { value isCapped } } head { cursor } } }"""


async def test_a_gap_is_filled_page_by_page_without_loss_or_repetition(square: Square) -> None:
    seen = (await square.api(GAP, square.vera, first=2))["feed"]["edges"]
    for number in range(7):
        await square.post(square.ann, f"{number}")
    page = (await square.api(GAP, square.vera, first=3, before=seen[0]["cursor"]))["feed"]
    assert page["head"]["cursor"] == page["edges"][0]["cursor"]
    assert page["gap"]["missing"] == {"value": 4, "isCapped": False}
    await square.post(square.ann, "newer")
    found, missing = page["edges"], []
    while page["gap"]:
        missing.append(page["gap"].pop("missing")["value"])
        page = (await square.api(GAP, square.vera, first=3, **page["gap"]))["feed"]
        found += page["edges"]
    assert [edge["node"]["title"] for edge in found] == ["6", "5", "4", "3", "2", "1", "0"]
    assert missing == [4, 1]
    whole = (await square.api(GAP, square.vera, first=20, before=seen[0]["cursor"]))["feed"]
    assert (len(whole["edges"]), whole["gap"]) == (8, None), "nothing is missing from a page that ends by itself"
    assert (await square.api(GAP, square.vera, first=2))["feed"]["gap"] is None


async def test_the_head_of_a_page_names_the_newest_item_wherever_the_page_stands(square: Square) -> None:
    first = (await square.api(GAP, square.vera, first=1))["feed"]
    second = (await square.api(GAP, square.vera, first=1, after=first["edges"][0]["cursor"]))["feed"]
    assert first["head"]["cursor"] == second["head"]["cursor"] == first["edges"][0]["cursor"]
    alone = "{ feedHead(kind: HOME) { cursor newCount { value } asOf pollAfterSeconds } }"
    head = (await square.api(alone, square.vera))["feedHead"]
    assert head["cursor"] == first["head"]["cursor"]
    assert head["newCount"] == {"value": 0}
    assert abs(datetime.fromisoformat(head["asOf"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert 4 <= head["pollAfterSeconds"] <= 36


async def test_a_poll_that_finds_nothing_asks_postgresql_for_nothing(square: Square) -> None:
    await square.api.polling.tail.caught_up(0)  # What was read before the first look at the log is not in memory.
    client = await square.client()
    thread = f"""{{ post(by: {{id: "{global_id(square.old[0])}"}}) {{ comments {{ syncToken }} }} }}"""
    thread_token = (await square.api(thread, square.vera))["post"]["comments"]["syncToken"]
    everything = f"""{{
        feedHead(kind: HOME, since: "{client.token}") {{
            token newCount {{ value }} newAuthors {{ id }} resetRequired pollAfterSeconds asOf }}
        feedChanges(kind: HOME, since: "{client.token}") {{
            added {{ position }} updated {{ id }} removedIds nextToken hasMore resetRequired pollAfterSeconds }}
        threadChanges(postId: "{global_id(square.old[0])}", since: "{thread_token}") {{
            added {{ id }} updated {{ id }} removedIds nextToken hasMore resetRequired pollAfterSeconds }} }}"""
    for _ in range(2):
        await square.writers.run(square.ben, likes.like_post, square.old[0].id)
        await square.writers.run(square.ben, posts.create_post, NewPost("on mud", tags=["mud"]))
        await square.writers.run(square.ben, comments.create_comment, square.old[1].id, None, "elsewhere")
        await square.api.polling.tail.caught_up(0)
        await asyncio.sleep(0.01)
        square.api.statements.clear()
        found: Any = await square.api(everything, square.vera)
        assert not found["feedHead"]["newCount"]["value"]
        assert not found["feedChanges"]["added"]
        assert not found["threadChanges"]["added"]
    await asyncio.sleep(0.01)
    assert square.api.statements == [], "what the viewer follows is known by the first poll"
