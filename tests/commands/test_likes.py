"""Likes through the schema: what they count, who may, and that repeating changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed_service import models
from tests.api import Api, Refused, global_id
from tests.commands.laws import contents, drift
from tests.world import NEVER, World

LIKE = """mutation ($id: ID!) { like(subjectId: $id) { ...payload } } fragment payload on LikePayload {
    subject { id likeCount viewerHasLiked } userErrors { code message field } consistencyToken }"""
UNLIKE = LIKE.replace("like(", "unlike(")


async def test_a_like_counts_once_however_often_it_is_said(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    post = await world.post(ann)
    comment = await world.comment(ann, post)
    await world.count()
    for subject in (post, comment):
        for query, count in ((LIKE, 1), (LIKE, 1), (UNLIKE, 0), (UNLIKE, 0), (LIKE, 1)):
            answer = (await api(query, bob, id=global_id(subject)))["unlike" if query is UNLIKE else "like"]
            assert answer["userErrors"] == []
            assert answer["subject"] == {
                "id": global_id(subject), "likeCount": count, "viewerHasLiked": count == 1
            }  # fmt: skip
            assert answer["consistencyToken"]
            assert await drift(world) == {}
    assert [(row["kind"], row["action"]) for row in await contents(world, models.ChangeLog)] == [
        (f"{kind}_like", action) for kind in ("post", "comment") for action in ("create", "delete", "create")
    ]


async def test_what_cannot_be_seen_cannot_be_liked(world: World, api: Api) -> None:
    ann, bob, cat = [await world.user(name) for name in ("ann", "bob", "cat")]
    await world.block(ann, bob)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    public, deleted = await world.post(ann), await world.post(ann, deleted_at=datetime.now(UTC))
    draft, scheduled = await world.post(ann, at=NEVER), await world.post(ann, at=tomorrow, status="scheduled")
    hidden = await world.comment(ann, public, deleted_at=datetime.now(UTC))
    await world.count()
    before = await contents(world)
    for viewer, subject in [(bob, public), (cat, deleted), (cat, draft), (cat, scheduled), (cat, hidden)]:
        for query in (LIKE, UNLIKE):
            (payload,) = (await api(query, viewer, id=global_id(subject))).values()
            assert payload["subject"] is None
            assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
            assert payload["consistencyToken"] is None
    assert await contents(world) == before


async def test_a_like_outlives_a_block_until_it_is_taken_back(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    post = await world.post(ann)
    await world.like(bob, post)
    await world.block(ann, bob)
    await world.count()
    (payload,) = (await api(UNLIKE, bob, id=global_id(post))).values()
    assert (payload["subject"], payload["userErrors"]) == (None, [])
    assert await contents(world, models.PostLike) == []
    assert await drift(world) == {}


@pytest.mark.parametrize(
    ("who", "subject", "code"),
    [
        ("nobody", "post", "UNAUTHENTICATED"),
        ("bob", "user", "BAD_USER_INPUT"),
        ("bob", "rubbish", "BAD_USER_INPUT"),
    ],
)
async def test_what_no_honest_client_sends_is_an_error(
    world: World, api: Api, who: str, subject: str, code: str
) -> None:
    bob = await world.user("bob")
    ids: dict[str, Any] = {"post": global_id(await world.post(bob)), "user": global_id(bob), "rubbish": "Post:1"}
    with pytest.raises(Refused) as refused:
        await api(LIKE, bob if who == "bob" else None, id=ids[subject])
    assert refused.value.codes == [code]


async def test_two_mutations_of_one_document_see_each_other(world: World, api: Api) -> None:
    bob = await world.user("bob")
    post = await world.post(bob)
    await world.count()
    both = """mutation ($id: ID!) { first: like(subjectId: $id) { subject { likeCount } }
                                    then: unlike(subjectId: $id) { subject { likeCount } } }"""
    found = await api(both, bob, id=global_id(post))
    assert found == {"first": {"subject": {"likeCount": 1}}, "then": {"subject": {"likeCount": 0}}}
