"""304 and kept bodies over real HTTP, by two services: never a wrong one, and really one where nothing has changed."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from feed_service import models
from feed_service.errors import Unauthenticated
from feed_service.execution import unchanged
from feed_service.http.conditional import Viewers
from feed_service.viewer import ANONYMOUS, Viewer
from tests.http.pair import Document, Pair, pair_on, still
from tests.http.random_writes import FEED, People, Writing, documents_of, polls_of
from tests.world import World, world_on


@pytest_asyncio.fixture
async def world(empty_database_url: str) -> AsyncIterator[World]:
    async with world_on(empty_database_url) as found:
        yield found


@pytest_asyncio.fixture
async def people(world: World) -> People:
    ann, bo, cy = [await world.user(name) for name in ("ann", "bo", "cy")]
    found = People(ann, bo, cy, await world.user("mod", role="moderator"), await world.tag("ski"))
    await world.follow(ann, bo)
    await world.follow_tag(ann, found.ski)
    await world.count()
    return found


@pytest_asyncio.fixture
async def pair(empty_database_url: str, tmp_path: Path, valkey_url: str) -> AsyncIterator[Pair]:
    async with pair_on(empty_database_url, tmp_path, valkey_url) as found:
        yield found


@dataclass
class Held:
    """What one viewer holds of one document: the body and the ETag of the last 200."""

    name: str
    document: Document
    who: models.User | None
    body: Any = None
    etag: str = ""
    not_modified: int = 0

    async def poll(self, pair: Pair, at: int, token: str = "") -> bool:
        """Whether it was 304; the body that is held is then that of now."""
        consistency = {"Feed_Consistency": token} if token else {}
        answer = await pair.get(at, self.document, self.who, etag=self.etag, **consistency)
        assert answer.status_code in {200, 304}, answer.text
        if answer.status_code == 304:
            assert (answer.headers["etag"], answer.content) == (self.etag, b"")
        else:
            assert "errors" not in answer.json(), answer.text
            self.body, self.etag = answer.json()["data"], answer.headers["etag"]
        cached = "private, no-cache" if self.who else "public, max-age=0, s-maxage=2"
        assert (answer.headers["cache-control"], answer.headers["vary"]) == (
            cached, "Authorization, Accept, Accept-Encoding",
        )  # fmt: skip
        self.not_modified += answer.status_code == 304
        return answer.status_code == 304


async def fresh(pair: Pair, at: int, held: Held, token: str, number: int) -> Any:  # noqa: ANN401 - JSON.
    """The answer as it is made anew, whatever is kept: nobody has asked in these words before."""
    text = f"{held.document.text} # {number}"
    return await pair.post(at, text, held.who, {"Feed-Consistency": token}, **held.document.variables)


@pytest.mark.parametrize("seed", [1, 2])
async def test_304_means_that_a_fresh_answer_would_be_the_same(
    pair: Pair, people: People, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers get no 15 seconds here, so that they too must be right."""
    monkeypatch.setattr(unchanged, "BUCKET_US", 1)
    writing = Writing(pair, people, seed)
    random = writing.random
    for author in people.writers:
        await writing.post(author, tags=["ski"])
    await writing.comment(people.bo, next(iter(writing.posts)))
    all_held = [
        Held(f"{name} for {who.username if who else 'nobody'}", document, who)
        for name, document in documents_of(writing).items()
        for who in (people.ann, people.cy, None)
        if who is not people.cy or name in {"HOME", "thread", "nodes"}
    ]
    all_held += [
        Held(name, document, who)
        for who in (people.ann, None)
        for name, document in (await polls_of(pair, who, next(iter(writing.posts)))).items()
    ]
    history: list[str] = []
    for number in range(20):
        history.append(await writing.step())
        for held in random.sample(
            [held for held in all_held if not (writing.is_suspended and held.who is people.cy)], 8
        ):
            at = random.randrange(2)
            was_304 = await held.poll(pair, at, writing.token)
            now = await fresh(pair, 1 - at, held, writing.token, number)
            assert still(held.body) == still(now), (held.name, was_304, history)
            if held.who is not None:
                posted = await pair.post(at, held.document.text, held.who, None, **held.document.variables)
                assert still(posted) == still(now), (held.name, history)
    assert sum(held.not_modified for held in all_held) > 20


async def test_nothing_new_is_304_at_both_services(pair: Pair, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "BUCKET_US", 10**18)
    writing = Writing(pair, people, 3)
    for author in people.writers:
        await writing.post(author, tags=["ski"])
    await writing.comment(people.bo, next(iter(writing.posts)))
    await asyncio.sleep(1.1)
    for who in (people.ann, None):
        polls = await polls_of(pair, who, next(iter(writing.posts)))
        for name, document in (documents_of(writing) | polls).items():
            held = Held(name, document, who)
            await held.poll(pair, 0)
            await asyncio.sleep(0.05)  # The other service is told after the answer was sent.
            told = [await held.poll(pair, at) for at in (0, 1, 1, 0)]
            assert told == [True] * 4, name
            away = f"{document.text} # again"
            assert still(await pair.post(1, away, who, None, **document.variables)) == still(held.body)


async def test_a_poll_learns_of_a_change_within_a_second_wherever_it_was_made(pair: Pair, people: People) -> None:
    writing = Writing(pair, people, 4)
    post_id = await writing.post(people.bo, title="Here")
    polls = [Held("HOME", Document(FEED, {"kind": "HOME"}), who) for who in (people.ann, people.bo)]
    polls.append(Held("GLOBAL", Document(FEED, {"kind": "GLOBAL"}), None))
    for held in polls:
        await held.poll(pair, 0)
        await held.poll(pair, 1)
    await writing.mutate("deletePost", people.bo, id=post_id)
    assert not await Held("HOME", polls[0].document, people.ann, etag=polls[0].etag).poll(pair, 1, writing.token)
    await asyncio.sleep(1.05)
    for at in (0, 1):
        for held in polls:
            again = Held(held.name, held.document, held.who, etag=held.etag)
            assert not await again.poll(pair, at), held.name
            assert again.body["feed"]["edges"] == []


async def test_a_kept_body_never_shows_what_was_hidden_before_the_request(pair: Pair, people: People) -> None:
    writing = Writing(pair, people, 5)
    text = '{ feed(kind: GLOBAL) { nodes { title } } tag(slug: "ski") { posts { nodes { title } } } }'
    for number in range(20):
        post_id = await writing.post(people.bo, title=f"Here {number}", tags=["ski"])
        asking = [asyncio.create_task(pair.post(at % 2, text)) for at in range(6)]
        await asyncio.gather(*asking)
        crowd = [asyncio.create_task(pair.post(at % 2, text)) for at in range(20)]
        await writing.mutate("deletePost", people.bo, id=post_id)
        after = await asyncio.gather(*(pair.post(at, text) for at in (0, 1, 1, 0)))
        assert [answer["feed"]["nodes"] for answer in after] == [[]] * 4
        assert [answer["tag"]["posts"]["nodes"] for answer in after] == [[]] * 4
        await asyncio.gather(*crowd)


async def test_a_small_answer_is_repeated_to_its_viewer_alone_and_never_too_late(pair: Pair, people: People) -> None:
    writing = Writing(pair, people, 8)
    await writing.post(people.bo)
    text = "{ viewer { user { username } } feed(kind: FOLLOWING_USERS) { nodes { title } } }"
    for number in range(10):
        post_id = await writing.post(people.bo, title=f"Here {number}")
        for who in (people.ann, people.mod, None):
            for at in (0, 0, 1, 1):
                told = await pair.post(at, text, who)
                assert told["viewer"] == (who and {"user": {"username": who.username}})
                assert (len(told["feed"]["nodes"]) == 2) == (who is people.ann)
        await writing.mutate("deletePost", people.bo, id=post_id)
        assert [len((await pair.post(at, text, people.ann))["feed"]["nodes"]) for at in (0, 1)] == [1, 1]
    answer = await pair.client.post(f"{pair.urls[0]}/graphql", json={"query": text}, headers=pair.headers(people.ann))
    again = await pair.client.post(f"{pair.urls[0]}/graphql", json={"query": text}, headers=pair.headers(people.ann))
    moving = {"date", "x-request-id"}
    headers = [{name: value for name, value in one.headers.items() if name not in moving} for one in (answer, again)]
    assert headers[0] == headers[1]
    assert headers[0]["cache-control"] == "no-store"


async def test_a_long_answer_that_is_kept_is_the_same_packed_or_not(pair: Pair, people: People) -> None:
    writing = Writing(pair, people, 9)
    post_id = await writing.post(people.bo, body="".join(f"Line {number} of a long post.\n\n" for number in range(600)))
    json = {"query": "{ feed(kind: FOLLOWING_USERS) { nodes { id body } } }"}
    told = []
    for encoding in ("identity", "gzip", "identity", "identity", "gzip", "identity"):
        headers = {**pair.headers(people.ann), "accept-encoding": encoding}
        answer = await pair.client.post(f"{pair.urls[0]}/graphql", json=json, headers=headers)
        assert answer.headers.get("content-encoding", "identity") == encoding
        told.append(answer.json())
        await asyncio.sleep(0.05)  # It is packed after it was sent.
    assert told == told[:1] * 6
    await writing.mutate("deletePost", people.bo, id=post_id)
    assert (await pair.post(0, json["query"], people.ann))["feed"]["nodes"] == []


async def test_an_etag_is_good_for_its_viewer_and_its_question_only(pair: Pair, people: People) -> None:
    await Writing(pair, people, 6).post(people.bo)
    document = Document(
        "query One($n: Int) { feed(kind: GLOBAL, first: $n) { nodes { title } } } query Two { __typename }"
    )

    async def ask(
        who: models.User | None, etag: str = "", accept: str = "application/json", **members: str
    ) -> httpx2.Response:
        asked = {"query": document.text, "operationName": "One", "variables": '{"n": 5}'} | members
        headers = pair.headers(who) | {"Accept": accept} | ({"If-None-Match": etag} if etag else {})
        return await pair.client.get(f"{pair.urls[0]}/graphql", params=asked, headers=headers)

    etag = (await ask(people.ann)).headers["etag"]
    assert (await ask(people.ann, etag)).status_code == 304
    assert (await ask(people.ann, etag, variables='{ "n" : 5 }')).status_code == 304
    others = [
        await ask(people.bo, etag),
        await ask(None, etag),
        await ask(people.ann, etag, variables='{"n": 6}'),
        await ask(people.ann, etag, operationName="Two"),
        await ask(people.ann, etag, accept="application/graphql-response+json"),
    ]
    assert [answer.status_code for answer in others] == [200] * 5
    assert len({etag, *(answer.headers["etag"] for answer in others)}) == 6
    bad = await pair.client.get(
        f"{pair.urls[0]}/graphql",
        params={"query": document.text, "operationName": "One", "variables": '{"n": 5}'},
        headers={"Accept": "application/json", "Authorization": "Bearer a.b.c", "If-None-Match": etag},
    )
    assert (bad.status_code, bad.headers["cache-control"]) == (401, "no-store")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("{etag}", 304),
        ('"other", {etag}', 304),
        ('W/"other",{etag} , "more"', 304),
        ("{strong}", 304),
        ("*", 200),
        ("{bare}", 200),
        ('W/"', 200),
        ('"\xe9"', 200),
        (",,, ;;", 200),
        ('"a", ' * 50 + "{etag}", 200),
        ('"' + "a" * 20_000 + '", {etag}', 200),
    ],
)
async def test_whatever_if_none_match_says_is_no_error(small_pair: Pair, header: str, status: int) -> None:
    document = Document('{ tag(slug: "ski") { name } }')
    etag = (await small_pair.get(0, document, None)).headers["etag"]
    sent = header.replace("{etag}", etag).replace("{strong}", etag[2:]).replace("{bare}", etag[3:-1])
    answer = await small_pair.get(0, document, None, etag=sent)
    assert answer.status_code == status


@pytest_asyncio.fixture
async def small_pair(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Pair]:
    async with pair_on(empty_database_url, tmp_path, "memory://") as found:
        yield found


async def test_each_kind_of_answer_says_who_may_keep_it(small_pair: Pair, people: People) -> None:
    async def said(
        method: str, who: models.User | None, asked: Mapping[str, Any], accept: str = "application/json"
    ) -> str:
        url, headers = f"{small_pair.urls[0]}/graphql", small_pair.headers(who) | {"Accept": accept}
        if method == "POST":
            answer = await small_pair.client.post(url, json=asked, headers=headers)
        else:
            answer = await small_pair.client.request(method, url, params=asked, headers=headers)
        return f"{answer.headers['cache-control']} {'etag' in answer.headers}"

    query, broken = {"query": '{ tag(slug: "ski") { name } }'}, {"query": "{ nothingLikeIt }"}
    assert await said("GET", None, query) == "public, max-age=0, s-maxage=2 True"
    assert await said("GET", people.ann, query) == "private, no-cache True"
    assert await said("GET", None, {"query": "{ feed(kind: HOME, first: 0) { nodes { id } } }"}) == "no-store False"
    assert await said("GET", None, broken) == "no-store False"
    assert await said("GET", None, query, "text/plain") == "no-store False"
    assert await said(
        "GET", None, {"extensions": json.dumps({"persistedQuery": {"version": 1, "sha256Hash": "a"}})}
    ) == ("no-store False")
    assert await said("HEAD", None, query) == "no-store False"
    assert await said("POST", None, query) == "no-store False"
    assert await said("POST", people.ann, query) == "no-store False"
    assert await said("POST", people.ann, {"query": "mutation { followTags(slugs: []) { userErrors { code } } }"}) == (
        "no-store False"
    )


async def test_feed_consistency_must_be_a_token_of_ours(small_pair: Pair) -> None:
    answer = await small_pair.get(0, Document("{ __typename }"), None, Feed_Consistency="nonsense")
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_what_moves_by_itself_is_good_for_its_fifteen_seconds(
    small_pair: Pair, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_id = await Writing(small_pair, people, 7).post(people.bo)
    views = Held(
        "views", Document("query($id: ID!) { post(by: {id: $id}) { stats { viewCount asOf } } }", {"id": post_id}), None
    )
    monkeypatch.setattr(unchanged, "BUCKET_US", 10**18)
    assert [await views.poll(small_pair, 0), await views.poll(small_pair, 0)] == [False, True]
    monkeypatch.setattr(unchanged, "BUCKET_US", 1)
    await asyncio.sleep(1.05)
    assert not await views.poll(small_pair, 0)
    monkeypatch.setattr(unchanged, "BUCKET_US", 10**18)
    await small_pair.post(
        0, "mutation($id: ID!) { like(subjectId: $id) { userErrors { code } } }", people.cy, None, id=post_id
    )
    likes = Document("query($id: ID!) { post(by: {id: $id}) { stats { likeCount asOf } } }", {"id": post_id})
    held = Held("likes", likes, people.ann)
    await held.poll(small_pair, 0)
    await small_pair.post(
        1, "mutation($id: ID!) { like(subjectId: $id) { userErrors { code } } }", people.bo, None, id=post_id
    )
    await asyncio.sleep(1.05)
    assert await held.poll(small_pair, 0)
    monkeypatch.setattr(unchanged, "BUCKET_US", 1)
    assert not await held.poll(small_pair, 0)
    assert held.body["post"]["stats"]["likeCount"] == 2


async def test_registered_documents_are_known_at_both_services(pair: Pair) -> None:
    document = Document("{ categories { slug } } # registered")
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": document.sha256}})
    assert "errors" not in (await pair.get(0, document, None)).json()
    answer = await pair.client.get(f"{pair.urls[1]}/graphql", params={"extensions": extensions})
    assert answer.json() == {"data": {"categories": []}}


async def test_without_the_log_answers_have_no_version_but_are_given(tmp_path: Path) -> None:
    async with pair_on("postgresql://nobody@127.0.0.1:9/nothing", tmp_path, "memory://") as away:
        answer = await away.get(0, Document("{ __typename }"), None)
        assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})
        again = await away.get(0, Document("{ __typename }"), None, etag=answer.headers["etag"])
        assert again.status_code == 304
        refused = await away.get(0, Document("{ categories { slug } }"), None)
        assert refused.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert refused.headers["cache-control"] == "no-store"


async def test_a_token_is_asked_about_once_a_second_however_many_poll_with_it() -> None:
    asked: list[str] = []

    async def viewer_of(token: str) -> Viewer:
        asked.append(token)
        await asyncio.sleep(0.01)
        if token == "bad":
            raise Unauthenticated("The token is not valid.")
        return Viewer(len(asked))

    viewers = Viewers(viewer_of)
    assert set(await asyncio.gather(*(viewers.of(b"Bearer one") for _ in range(20)))) == {Viewer(1)}
    assert await viewers.of(b"Bearer one") == Viewer(1)
    assert await viewers.of(b"Bearer two") == Viewer(2)
    assert await viewers.of(b"") == ANONYMOUS
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await viewers.of(b"bearer bad")
    assert asked == ["one", "two", "bad", "bad"]
