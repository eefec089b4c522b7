"""Whichever way leads to a thing, all its fields are there, and say the same."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, is_leaf_type
from graphql.type import get_named_type

from feed_service import models
from feed_service.schema.ids import encode
from tests.api import SCHEMA, Api, api_on
from tests.world import World

READ_LATER = {"asOf", "trendScore"}
"""What differs from one moment to the next."""

EVERY_WAY = """
query ($post: ID!, $comment: ID!, $user: ID!, $slug: String!) {
  byPost: post(by: { id: $post }) { ...P comments { nodes { ...C replies { nodes { ...C parent { ...C } } } } }
    commentPreview { ...C } commentTree { nodes { ...C replyTo { ...C } } } author { ...U } tags { ...T }
    likers { nodes { ...U } } }
  bySlug: post(by: { slug: $slug }) { ...P }
  node(id: $post) { ...P }
  nodes(ids: [$comment, $user]) { ...C ...U ... on Comment { post { ...P } author { ...U } } }
  user(by: { id: $user }) { ...U posts { nodes { ...P } } followers { nodes { ...U } } following { nodes { ...U } }
    followedTags { nodes { ...T } } }
  viewer { user { ...U } bookmarks { nodes { ...P } } blockedUsers { nodes { ...U } } mutedUsers { nodes { ...U } } }
  global: feed(kind: GLOBAL) { nodes { ...P } }
  home: feed(kind: HOME) { nodes { ...P } edges { reason { ... on FollowedAuthor { author { ...U } tags { ...T } } } } }
  tags: feed(kind: FOLLOWING_TAGS) { nodes { ...P } }
  popular: feed(kind: POPULAR) { nodes { ...P } }
  filtered: feed(kind: GLOBAL, filter: { tags: ["baking"] }) { nodes { ...P } }
  hot: feed(kind: GLOBAL, order: HOT) { nodes { ...P } }
  tag(slug: "baking") { ...T posts { nodes { ...P } } }
  search(query: "bread") { nodes { ...P ...U ...T } }
}
"""


def fields_of(name: str) -> dict[str, str]:
    """Every field of a type that needs no selection below it, those of its numbers and of the viewer's state."""
    type_ = SCHEMA.type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    shown = {"__typename": ""}
    for key, field in type_.fields.items():
        below = get_named_type(field.type)
        if is_leaf_type(below):
            shown[key] = ""
        elif key in {"stats", "viewerState"}:
            shown[key] = f" {{ {written(below.name)} }}"
    return shown


def written(name: str) -> str:
    return " ".join(key + below for key, below in fields_of(name).items() if key not in READ_LATER)


KINDS = {"P": "Post", "C": "Comment", "U": "User", "T": "Tag"}


def document(asked: Callable[[str], str] = written) -> str:
    """`asked`: what of a type is asked for."""
    return EVERY_WAY + "\n".join(f"fragment {short} on {name} {{ {asked(name)} }}" for short, name in KINDS.items())


def one_by_one() -> Iterator[str]:
    """Documents that ask each thing for its id and one more field: what else is read of it is for that field alone."""
    fields = {name: [key + below for key, below in fields_of(name).items()] for name in KINDS.values()}
    for number in range(max(map(len, fields.values()))):
        asked = {name: f"__typename id {those[number % len(those)]}" for name, those in fields.items()}
        yield document(asked.__getitem__)


def things_in(answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any part of an answer.
    if isinstance(answer, list):
        return [thing for part in answer for thing in things_in(part)]
    if not isinstance(answer, dict):
        return []
    below = [thing for part in answer.values() for thing in things_in(part)]
    return [answer, *below] if "id" in answer else below


def shown(thing: dict[str, Any]) -> dict[str, Any]:
    """Of what was asked for, what can be compared."""
    return {key: thing[key] for key in fields_of(thing["__typename"]) if key in thing and key not in READ_LATER}


async def filled(world: World) -> tuple[models.User, dict[str, str]]:
    """(a viewer, ids of what the document asks for)."""
    ann, ben, vera = [await world.user(name) for name in ("ann", "ben", "vera")]
    baking = await world.tag("baking")
    post = await world.post(ann, "Bread", tags=(baking,))
    root = await world.comment(ben, post)
    reply = await world.comment(vera, post, parent=root)
    await world.follow(vera, ann)
    await world.follow(ben, ann)
    await world.follow(ann, ben)
    await world.follow_tag(vera, baking)
    await world.like(vera, post)
    await world.count()
    ids = {"post": encode("Post", post.id), "comment": encode("Comment", reply.id), "user": encode("User", ann.id)}
    return vera, {**ids, "slug": post.slug}


@pytest.fixture
async def api(empty_database_url: str) -> Any:  # noqa: ANN401 - an Api, and its end.
    async with api_on(empty_database_url) as api:
        yield api


async def test_all_fields_are_there_and_equal_whichever_way_leads_to_them(world: World, api: Api) -> None:
    vera, given = await filled(world)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    ways = 0
    for thing in things_in(await api(document(), vera, **given)):
        first = found.setdefault((thing["__typename"], thing["id"]), shown(thing))
        assert shown(thing) == first
        ways += 1
    assert {name for name, _ in found} == {"Post", "Comment", "User", "Tag"}
    assert ways > 4 * len(found), "things were met on several ways"
    for asked in one_by_one():
        for thing in things_in(await api(asked, vera, **given)):
            whole = found[thing["__typename"], thing["id"]]
            alone = shown(thing)
            assert alone == {key: whole[key] for key in alone}
