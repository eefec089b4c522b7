"""Comments through the schema: their place, their numbers, and who may say, take back and bring back what."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed_service import models
from feed_service.viewer import Role
from tests.api import Api, Refused, global_id
from tests.commands.laws import contents, drift
from tests.world import NEVER, World

CREATE = """mutation ($input: CreateCommentInput!) { payload: createComment(input: $input) {
    comment { id body depth parent { id } replyTo { id } author { username } post { id stats { commentCount
    uniqueCommenterCount lastActivityAt } } createdAt } userErrors { code field } consistencyToken } }"""
DELETE = "mutation ($id: ID!) { payload: deleteComment(id: $id) { deletedId userErrors { code } consistencyToken } }"
RESTORE = "mutation ($id: ID!) { payload: restoreComment(id: $id) { comment { id body } userErrors { code } } }"
UPDATE = """mutation ($input: UpdateCommentInput!) { payload: updateComment(input: $input) {
    comment { body version viewerCanEdit edits(first: 5) { nodes { version body editor { username } } } }
    userErrors { code ... on VersionConflict { current } } } }"""
THREAD = """query ($id: ID!) { node(id: $id) { ... on Post { commentTree(first: 100) { nodes {
    body isTombstone depth replyCount descendantCount } } } } }"""


async def say(
    api: Api, who: models.User, post: models.Post, body: str, parent: str | models.Comment | None = None
) -> Any:  # noqa: ANN401 - the payload's comment.
    parent_id = global_id(parent) if isinstance(parent, models.Comment) else parent
    form = {"postId": global_id(post), "parentId": parent_id, "body": body}
    payload = (await api(CREATE, who, input=form))["payload"]
    assert payload["userErrors"] == []
    assert payload["consistencyToken"]
    return payload["comment"]


async def codes(api: Api, query: str, who: models.User, **variables: Any) -> list[str]:  # noqa: ANN401 - of GraphQL.
    payload = (await api(query, who, **variables))["payload"]
    return [error["code"] for error in payload["userErrors"]]


async def thread(api: Api, post: models.Post, who: models.User | None = None) -> list[tuple[Any, ...]]:
    nodes = (await api(THREAD, who, id=global_id(post)))["node"]["commentTree"]["nodes"]
    return [(row["body"], row["depth"], row["replyCount"], row["descendantCount"]) for row in nodes]


async def test_a_reply_counts_for_its_post_its_author_and_all_above_it(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    post = await world.post(ann)
    await world.count()
    first = await say(api, bob, post, "First.")
    assert (first["depth"], first["parent"], first["replyTo"], first["author"]) == (0, None, None, {"username": "bob"})
    second = await say(api, ann, post, "Second.", first["id"])
    third = await say(api, bob, post, "Third.", second["id"])
    assert (third["depth"], third["parent"], third["replyTo"]) == (2, {"id": second["id"]}, {"id": second["id"]})
    assert third["post"]["stats"] == {
        "commentCount": 3, "uniqueCommenterCount": 2, "lastActivityAt": third["createdAt"]
    }  # fmt: skip
    assert await thread(api, post) == [("First.", 0, 1, 2), ("Second.", 1, 1, 1), ("Third.", 2, 0, 0)]
    assert await drift(world) == {}


async def test_a_deleted_comment_leaves_a_tombstone_only_while_it_holds_replies(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    post = await world.post(ann)
    await world.count()
    first = await say(api, bob, post, "First.")
    second = await say(api, bob, post, "Second.", first["id"])
    await say(api, ann, post, "Third.", second["id"])
    for _ in range(2):
        assert (await api(DELETE, bob, id=second["id"]))["payload"]["deletedId"] == second["id"]
        assert await thread(api, post) == [("First.", 0, 0, 1), (None, 1, 1, 1), ("Third.", 2, 0, 0)]
        assert await drift(world) == {}
    assert await codes(api, DELETE, bob, id=first["id"]) == []
    assert await drift(world) == {}
    for _ in range(2):
        restored = (await api(RESTORE, bob, id=second["id"]))["payload"]
        assert restored == {"comment": {"id": second["id"], "body": "Second."}, "userErrors": []}
        assert await thread(api, post) == [(None, 0, 1, 2), ("Second.", 1, 1, 1), ("Third.", 2, 0, 0)]
        assert await drift(world) == {}
    log = await contents(world, models.ChangeLog)
    assert [(row["action"], row["was_listed"], row["is_listed"]) for row in log] == [
        *[("create", False, True)] * 3, ("delete", True, False), ("delete", True, False), ("restore", False, True)
    ]  # fmt: skip
    assert {(row["kind"], row["author_id"], row["post_id"]) for row in log} == {("comment", ann.id, post.id)}
    trail = await contents(world, models.AuditEvent)
    assert [row["action"] for row in trail if row["stream"] == f"user:{bob.id}"] == [
        "comment.create", "comment.create", "comment.delete", "comment.delete", "comment.restore"
    ]  # fmt: skip


async def test_a_thread_is_a_hundred_levels_deep_and_goes_on_as_siblings(world: World, api: Api) -> None:
    ann = await world.user("ann")
    post = await world.post(ann)
    parent = None
    for _ in range(98):
        parent = await world.comment(ann, post, parent)
    await world.count()
    said, answered = [], parent and global_id(parent)
    for number in range(4):
        said.append(await say(api, ann, post, f"Reply {number}.", answered))
        answered = said[-1]["id"]
    assert [comment["depth"] for comment in said] == [98, 99, 99, 99]
    assert [comment["parent"]["id"] for comment in said[1:]] == [said[0]["id"]] * 3
    assert [comment["replyTo"]["id"] for comment in said[1:]] == [comment["id"] for comment in said[:3]]
    assert await drift(world) == {}


async def test_an_edit_keeps_what_was_said_for_its_author_and_moderators(world: World, api: Api) -> None:
    ann, bob, mod = await world.user("ann"), await world.user("bob"), await world.user("mod", role=Role.MODERATOR)
    post = await world.post(ann)
    comment = await world.comment(bob, post, body="Cafe\u0301")
    await world.count()
    form = {"id": global_id(comment), "body": "Tea"}
    earlier = {"version": 1, "body": "Cafe\u0301", "editor": {"username": "bob"}}
    for repeated in (form, form, form | {"expectedVersion": 2}):
        payload = (await api(UPDATE, bob, input=repeated))["payload"]
        assert payload == {
            "comment": {"body": "Tea", "version": 2, "viewerCanEdit": True, "edits": {"nodes": [earlier]}},
            "userErrors": [],
        }
    before = await contents(world)
    cases: list[tuple[models.User, dict[str, Any], dict[str, Any]]] = [
        (bob, {"body": "Milk", "expectedVersion": 1}, {"code": "VERSION_CONFLICT", "current": 2}),
        (bob, {"body": "\t"}, {"code": "EMPTY"}),
        (ann, {"body": "Milk"}, {"code": "FORBIDDEN"}),
        (mod, {"body": "Milk"}, {"code": "FORBIDDEN"}),
    ]
    for who, change, error in cases:
        assert (await api(UPDATE, who, input=form | change))["payload"] == {"comment": None, "userErrors": [error]}
    assert await contents(world) == before
    shown = "query ($id: ID!) { node(id: $id) { ... on Comment { edits { nodes { body } } viewerCanDelete } } }"
    for who, text, can_delete in ((bob, "Cafe\u0301", True), (mod, "Cafe\u0301", True), (ann, None, False)):
        found = await api(shown, who, id=global_id(comment))
        assert found == {"node": {"edits": {"nodes": [{"body": text}]}, "viewerCanDelete": can_delete}}
    assert await drift(world) == {}


async def test_of_two_edits_of_one_version_one_conflicts(world: World, api: Api) -> None:
    ann = await world.user("ann")
    comment = await world.comment(ann, await world.post(ann))
    await world.count()
    forms = [{"id": global_id(comment), "body": body, "expectedVersion": 1} for body in ("Tea", "Milk")]
    found = await asyncio.gather(*(codes(api, UPDATE, ann, input=form) for form in forms))
    assert sorted(found) == [[], ["VERSION_CONFLICT"]]
    assert [row["version"] for row in await contents(world, models.ContentEdit)] == [1]


async def test_who_deletes_a_comment_decides_who_may_bring_it_back(world: World, api: Api) -> None:
    ann, bob, cat = [await world.user(name) for name in ("ann", "bob", "cat")]
    mod, boss = await world.user("mod", role=Role.MODERATOR), await world.user("boss", role=Role.ADMIN)
    post = await world.post(ann)
    comment = global_id(await world.comment(bob, post))
    await world.count()
    steps = [
        (DELETE, cat, "FORBIDDEN"),
        (DELETE, ann, "FORBIDDEN"),
        (RESTORE, cat, "FORBIDDEN"),
        (RESTORE, mod, ""),
        (DELETE, bob, ""),
        (DELETE, cat, "NOT_FOUND"),
        (RESTORE, cat, "NOT_FOUND"),
        (RESTORE, mod, "FORBIDDEN"),
        (RESTORE, bob, ""),
        (DELETE, mod, ""),
        (DELETE, bob, ""),
        (RESTORE, bob, "FORBIDDEN"),
        (RESTORE, boss, ""),
        (DELETE, bob, ""),
        (DELETE, boss, ""),
        (RESTORE, bob, "FORBIDDEN"),
        (RESTORE, mod, ""),
    ]
    for query, who, code in steps:
        before = await contents(world)
        assert await codes(api, query, who, id=comment) == ([code] if code else []), (query, who.username)
        assert not code or await contents(world) == before
        assert await drift(world) == {}


async def test_an_author_can_delete_what_lies_where_they_cannot_look_any_more(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    hidden, gone = await world.post(ann), await world.post(ann, deleted_at=datetime.now(UTC))
    comments = [await world.comment(bob, post) for post in (hidden, gone)]
    await world.block(ann, bob)
    await world.count()
    for comment in comments:
        assert await codes(api, DELETE, bob, id=global_id(comment)) == []
        assert await codes(api, RESTORE, bob, id=global_id(comment)) == ["NOT_FOUND"]
    assert [row["n"] for row in await contents(world, models.PostCommenter)] == []
    assert await drift(world) == {}


async def test_nothing_is_said_where_it_could_not_be_seen_or_has_no_words(world: World, api: Api) -> None:
    ann, bob, cat = [await world.user(name) for name in ("ann", "bob", "cat")]
    await world.block(ann, bob)
    now = datetime.now(UTC)
    public, other = await world.post(ann), await world.post(cat)
    draft, gone = await world.post(cat, at=NEVER), await world.post(cat, deleted_at=now)
    later = await world.post(cat, at=now + timedelta(days=1), status="scheduled")
    by_ann, elsewhere = await world.comment(ann, other), await world.comment(ann, public)
    deleted = await world.comment(cat, other, deleted_at=now)
    await world.comment(cat, other, deleted)
    await world.count()
    before = await contents(world)
    cases: list[tuple[models.User, models.Post, models.Comment | None, str, str, list[str] | None]] = [
        (bob, public, None, "Hello.", "NOT_FOUND", None),
        (cat, draft, None, "Hello.", "NOT_FOUND", None),
        (cat, gone, None, "Hello.", "NOT_FOUND", None),
        (cat, later, None, "Hello.", "NOT_FOUND", None),
        (bob, other, by_ann, "Hello.", "NOT_FOUND", ["parentId"]),
        (cat, other, elsewhere, "Hello.", "NOT_FOUND", ["parentId"]),
        (cat, other, deleted, "Hello.", "NOT_FOUND", ["parentId"]),
        (cat, other, None, " \n\u200b", "EMPTY", ["body"]),
        (cat, other, None, "a" * 5_001, "TOO_LONG", ["body"]),
    ]
    for who, post, parent, body, code, field in cases:
        form = {"postId": global_id(post), "parentId": parent and global_id(parent), "body": body}
        payload = (await api(CREATE, who, input=form))["payload"]
        assert payload == {
            "comment": None, "userErrors": [{"code": code, "field": field}], "consistencyToken": None
        }  # fmt: skip
    assert await contents(world) == before


@pytest.mark.parametrize(
    ("who", "change", "code"),
    [
        ("nobody", {}, "UNAUTHENTICATED"),
        ("bob", {"postId": "comment"}, "BAD_USER_INPUT"),
        ("bob", {"parentId": "post"}, "BAD_USER_INPUT"),
        ("bob", {"body": "a\0b"}, "BAD_USER_INPUT"),
        ("bob", {"body": "a\ud800b"}, "BAD_USER_INPUT"),
    ],
)
async def test_what_no_honest_client_says_is_an_error(
    world: World, api: Api, who: str, change: dict[str, str], code: str
) -> None:
    bob = await world.user("bob")
    post = await world.post(bob)
    ids = {"post": global_id(post), "comment": global_id(await world.comment(bob, post))}
    await world.count()
    before = await contents(world)
    form = {"postId": ids["post"], "body": "Hello."} | {name: ids.get(value, value) for name, value in change.items()}
    with pytest.raises(Refused) as refused:
        await api(CREATE, bob if who == "bob" else None, input=form)
    assert refused.value.codes == [code]
    assert await contents(world) == before


async def test_a_key_says_a_thing_once(world: World, api: Api) -> None:
    ann = await world.user("ann")
    post = await world.post(ann)
    await world.count()
    form = {"postId": global_id(post), "body": "Once.", "idempotencyKey": "k-1"}
    payloads = await asyncio.gather(*(api(CREATE, ann, input=form) for _ in range(5)))
    assert len({answer["payload"]["comment"]["id"] for answer in payloads}) == 1
    assert await codes(api, CREATE, ann, input=form | {"body": "Twice."}) == ["IDEMPOTENCY_MISMATCH"]
    assert [row["body"] for row in await contents(world, models.Comment)] == ["Once."]
    assert await drift(world) == {}


async def test_deletions_and_restores_of_one_thread_at_once_leave_right_numbers(world: World, api: Api) -> None:
    ann, bob = await world.user("ann"), await world.user("bob")
    post = await world.post(ann)
    root = await world.comment(ann, post)
    branches = [await world.comment(bob, post, root) for _ in range(4)]
    leaves = [await world.comment(bob, post, branch) for branch in branches for _ in range(2)]
    await world.count()

    async def wavered(comment: models.Comment, times: int) -> None:
        for query in [DELETE, RESTORE] * times + [DELETE]:
            assert await codes(api, query, ann if comment is root else bob, id=global_id(comment)) == []

    await asyncio.gather(*(wavered(comment, 2) for comment in [root, *branches, *leaves]))
    assert await thread(api, post) == []
    assert await contents(world, models.PostCommenter) == []
    assert await drift(world) == {}
