"""The update streams of the SNB data set, replayed through the mutations, against a recount from its files.

Types 1 (person), 2 and 3 (likes), 6 (post), 7 (comment) and 8 (friendship) are used; 4 and 5 (forums) have no place.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from feed_service import models
from feed_service.imports.snb import import_snb
from feed_service.imports.snb.values import title_of
from feed_service.schema.ids import decode_as, encode
from tests.api import Api, api_on
from tests.commands.laws import drift
from tests.test_snb_feeds import DATA, pairs
from tests.world import World, world_on

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not DATA.is_dir(), reason="the SNB data set does not lie beside the checkout"),
]

PERSON = "1"

USED = {"1": 28, "2": 818, "3": 656, "6": 1271, "7": 1296, "8": 189}
NOT_USED = {"4": 155, "5": 2507}

SIGN_UP = """mutation ($input: SignUpInput!) {
    signUp(input: $input) { session { user { id } } userErrors { code message } } }"""
FOLLOW_TAGS = "mutation ($slugs: [String!]!) { followTags(slugs: $slugs) { userErrors { code message } } }"
FOLLOW = "mutation ($id: ID!) { followUser(id: $id) { userErrors { code message } } }"
LIKE = "mutation ($id: ID!) { like(subjectId: $id) { userErrors { code message } } }"
POST = "mutation ($input: CreatePostInput!) { createPost(input: $input) { post { id } userErrors { code message } } }"
COMMENT = """mutation ($input: CreateCommentInput!) {
    createComment(input: $input) { comment { id } userErrors { code message } } }"""


def events() -> list[list[str]]:
    """Both streams by time; of one time, persons first."""
    lines = [
        line.split("|")
        for name in ("person", "forum")
        for line in (DATA / "update_streams" / f"updateStream_0_0_{name}.csv").read_text("utf-8").splitlines()
    ]
    return sorted(lines, key=lambda values: (int(values[0]), values[2] != PERSON))


@dataclass
class Numbers:
    """Counts by id in the data set."""

    posts: Counter[str] = field(default_factory=Counter)
    comments: Counter[str] = field(default_factory=Counter)
    likes_received: Counter[str] = field(default_factory=Counter)
    followers: Counter[str] = field(default_factory=Counter)
    following: Counter[str] = field(default_factory=Counter)
    likes_of_post: Counter[str] = field(default_factory=Counter)
    comments_of_post: Counter[str] = field(default_factory=Counter)


def recount() -> Numbers:
    """From all files, the base and the streams alike."""
    stream: dict[str, list[list[str]]] = defaultdict(list)
    for values in events():
        stream[values[2]].append(values)
    author = dict(pairs("post_hasCreator_person")) | {values[3]: values[11] for values in stream["6"]}
    on_comment = dict(pairs("comment_replyOf_comment")) | {v[3]: v[12] for v in stream["7"] if v[12] != "-1"}
    on_post = dict(pairs("comment_replyOf_post")) | {v[3]: v[11] for v in stream["7"] if v[11] != "-1"}
    commenters = dict(pairs("comment_hasCreator_person")) | {values[3]: values[9] for values in stream["7"]}
    likes = [*pairs("person_likes_post"), *((values[3], values[4]) for values in stream["2"])]
    knows = [*pairs("person_knows_person"), *((values[3], values[4]) for values in stream["8"])]
    both = {pair for one, other in knows for pair in ((one, other), (other, one))}

    def post_of(comment: str) -> str:
        while comment in on_comment:
            comment = on_comment[comment]
        return on_post[comment]

    return Numbers(
        posts=Counter(author.values()),
        comments=Counter(commenters.values()),
        likes_received=Counter(author[post] for _, post in likes),
        followers=Counter(one for one, _ in both),
        following=Counter(one for one, _ in both),
        likes_of_post=Counter(post for _, post in likes),
        comments_of_post=Counter(post_of(comment) for comment in commenters),
    )


@dataclass
class Replay:
    """Sends each event as its person would; `local` maps (kind, id in the data set) to ids here, `post_of` comments."""

    api: Api
    local: dict[tuple[str, str], int]
    tags: dict[int, str]
    post_of: dict[int, int]
    sent: Counter[str] = field(default_factory=Counter)
    not_used: Counter[str] = field(default_factory=Counter)

    async def event(self, values: list[str]) -> None:
        send: Callable[[list[str]], Awaitable[None]] | None = {
            "1": self.person, "2": self.like, "3": self.like, "6": self.post, "7": self.comment, "8": self.friends
        }.get(values[2])  # fmt: skip
        (self.sent if send else self.not_used)[values[2]] += 1
        if send:
            await send(values)

    async def mutate(self, query: str, person: str | None, **variables: Any) -> Any:  # noqa: ANN401 - the payload.
        viewer = None if person is None else models.User(id=self.local["person", person], role="user")
        (payload,) = (await self.api(query, viewer, **variables)).values()
        assert payload["userErrors"] == []
        return payload

    async def person(self, values: list[str]) -> None:
        person, first, last, emails, interests = *values[3:6], values[13], values[14]
        form = {
            "username": f"snb{person}", "displayName": f"{first} {last}", "email": emails.split(";")[0],
            "password": f"the password of {person}",
        }  # fmt: skip
        payload = await self.mutate(SIGN_UP, None, input=form)
        self.local["person", person] = decode_as("User", payload["session"]["user"]["id"])
        slugs = [self.tags[self.local["tag", tag]] for tag in interests.split(";") if tag]
        await self.mutate(FOLLOW_TAGS, person, slugs=slugs)

    async def like(self, values: list[str]) -> None:
        kind = "Post" if values[2] == "2" else "Comment"
        await self.mutate(LIKE, values[3], id=encode(kind, self.local[kind.lower(), values[4]]))

    async def post(self, values: list[str]) -> None:
        post, image, language, text, author, tags = values[3], values[4], values[8], values[9], values[11], values[14]
        form = {
            "title": title_of(text) if text else image, "body": text, "language": language or None,
            "tags": [self.tags[self.local["tag", tag]] for tag in tags.split(";") if tag],
        }  # fmt: skip
        payload = await self.mutate(POST, author, input=form)
        self.local["post", post] = decode_as("Post", payload["post"]["id"])

    async def comment(self, values: list[str]) -> None:
        comment, text, author, post, answered = values[3], values[7], values[9], values[11], values[12]
        form = {"body": text}
        if answered == "-1":
            form["postId"] = encode("Post", self.local["post", post])
        else:
            parent = self.local["comment", answered]
            form |= {"postId": encode("Post", self.post_of[parent]), "parentId": encode("Comment", parent)}
        payload = await self.mutate(COMMENT, author, input=form)
        self.local["comment", comment] = decode_as("Comment", payload["comment"]["id"])
        self.post_of[self.local["comment", comment]] = decode_as("Post", form["postId"])

    async def friends(self, values: list[str]) -> None:
        """Who knows somebody is known by them: two follows, as in the import."""
        for one, other in (values[3:5], values[4:2:-1]):
            await self.mutate(FOLLOW, one, id=encode("User", self.local["person", other]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replayed(module_database_url: str) -> AsyncIterator[tuple[World, Replay]]:
    async with world_on(module_database_url) as world, api_on(module_database_url) as api:
        await import_snb(world.engine, Path(DATA), strict=True, progress=lambda *_: None)
        async with world.engine.connect() as connection:
            known = (await connection.execute(select(models.ExternalId.__table__))).all()
            tags = (await connection.execute(select(models.Tag.__table__))).all()
            comments = (await connection.execute(select(models.Comment.id, models.Comment.post_id))).all()
        replay = Replay(
            api,
            {(row.kind, row.external_id): row.local_id for row in known},
            {tag.id: tag.slug for tag in tags},
            {comment.id: comment.post_id for comment in comments},
        )
        for values in events():
            await replay.event(values)
        yield world, replay


async def numbers_of(world: World, table: Any, key: str) -> dict[int, Any]:  # noqa: ANN401 - a model.
    async with world.engine.connect() as connection:
        return {getattr(row, key): row for row in await connection.execute(select(table.__table__))}


async def test_every_event_is_used_or_counted_as_not_used(replayed: tuple[World, Replay]) -> None:
    _, replay = replayed
    assert dict(replay.sent) == USED
    assert dict(replay.not_used) == NOT_USED


async def test_the_numbers_are_those_of_the_files(replayed: tuple[World, Replay]) -> None:
    world, replay = replayed
    wanted = recount()
    users = await numbers_of(world, models.UserStats, "user_id")
    people = {local: external for (kind, external), local in replay.local.items() if kind == "person"}
    assert len(people) == 250
    for local, person in people.items():
        row = users[local]
        assert (
            row.post_count, row.comment_count, row.received_like_count, row.follower_count, row.following_count
        ) == (
            wanted.posts[person], wanted.comments[person], wanted.likes_received[person], wanted.followers[person],
            wanted.following[person],
        ), person  # fmt: skip
    posts = await numbers_of(world, models.PostStats, "post_id")
    of_files = {local: external for (kind, external), local in replay.local.items() if kind == "post"}
    for local, post in of_files.items():
        found = (posts[local].like_count, posts[local].comment_count)
        assert found == (wanted.likes_of_post[post], wanted.comments_of_post[post]), post


async def test_every_derived_row_equals_its_definition(replayed: tuple[World, Replay]) -> None:
    world, _ = replayed
    assert await drift(world) == {}
