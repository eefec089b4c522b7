"""Suspending and restoring: who may do it to whom, and that it counts from the next request on."""

from typing import Any

import pytest

from feed_service import models
from feed_service.commands.moderation import set_role
from feed_service.commands.transaction import Writer
from feed_service.errors import NotFound, Unauthenticated
from feed_service.schema.ids import encode
from feed_service.viewer import ANONYMOUS, Role, Viewer
from tests.accounts.front import Front, codes
from tests.commands.laws import contents, drift
from tests.world import World

SUSPEND = """mutation ($id: ID!, $reason: String!) { suspendUser(id: $id, reason: $reason) {
    user { username } userErrors { code field } } }"""
RESTORE = "mutation ($id: ID!) { restoreUser(id: $id) { user { username } userErrors { code } } }"
NAME = '{ user(by: {username: "ann"}) { username } }'


async def test_a_suspension_counts_at_once_until_it_is_taken_back(world: World, front: Front) -> None:
    ann, mod = await front.sign_up("ann"), await front.sign_up("mod")
    await front.sql("UPDATE users SET role = 'moderator' WHERE id = 2")
    payload = await front(SUSPEND, mod, id=encode("User", 1), reason="Spam, spam.")
    assert payload == {"user": {"username": "ann"}, "userErrors": []}
    with pytest.raises(Unauthenticated):
        await front.viewer(ann)
    assert codes(await front.refresh(ann)) == [("INVALID_TOKEN", ["refreshToken"])]
    assert codes(await front.log_in("ann")) == [("INVALID_CREDENTIALS", None)]
    assert await front(NAME) is None
    before = await contents(world)
    assert codes(await front(SUSPEND, mod, id=encode("User", 1), reason="Again.")) == []
    assert await contents(world) == before
    for _ in range(2):
        assert await front(RESTORE, mod, id=encode("User", 1)) == payload
    assert (await front.viewer(ann)).user_id == 1
    assert (await front.refresh(ann))["userErrors"] == []
    assert await front(NAME) == {"username": "ann"}
    events = [row for row in await contents(world, models.AuditEvent) if row["action"].startswith("user.")]
    assert [(row["stream"], row["action"], row["subject_id"]) for row in events] == [
        ("user:2", "user.suspend", 1), ("user:2", "user.restore", 1)
    ]  # fmt: skip
    assert b"Spam" not in events[0]["private"]
    changes = [row for row in await contents(world, models.ChangeLog) if row["action"] != "create"]
    assert [(row["action"], row["author_id"], row["was_listed"], row["is_listed"]) for row in changes] == [
        ("suspend", 1, True, False), ("restore", 1, False, True)
    ]  # fmt: skip
    assert await drift(world) == {}


async def test_who_may_suspend_whom(world: World, front: Front) -> None:
    people = {name: await world.user(name, role=name.rstrip("2")) for name in ("user", "moderator", "admin")}
    people |= {f"{name}2": await world.user(f"{name}2", role=name) for name in tuple(people)}
    before = await contents(world)
    refused: list[tuple[str, str, str]] = [
        *(("user", other, "FORBIDDEN") for other in ("user", "user2", "moderator", "admin")),
        *(("moderator", other, "FORBIDDEN") for other in ("moderator2", "admin")),
        ("moderator", "moderator", "SELF"),
        ("admin", "admin", "SELF"),
    ]
    for who, whom, code in refused:
        viewer = Viewer(people[who].id, Role(who))
        for query, more in ((SUSPEND, {"reason": "Spam."}), (RESTORE, {})):
            payload: Any = await front(query, viewer, id=encode("User", people[whom].id), **more)
            assert (payload["user"], [error["code"] for error in payload["userErrors"]]) == (None, [code]), (who, whom)
    assert await contents(world) == before
    for who, whom in (("moderator", "user"), ("admin", "moderator"), ("admin", "admin2")):
        payload = await front(
            SUSPEND, Viewer(people[who].id, Role(who)), id=encode("User", people[whom].id), reason="x"
        )
        assert payload["userErrors"] == []


async def test_a_suspension_needs_somebody_and_a_reason(world: World, front: Front) -> None:
    mod, ann = await world.user("mod", role="moderator"), await world.user("ann")
    viewer, before = Viewer(mod.id, Role.MODERATOR), await contents(world)
    bad: list[tuple[int, str, list[tuple[str, list[str] | None]]]] = [
        (ann.id, "", [("EMPTY", ["reason"])]),
        (ann.id, " \n", [("EMPTY", ["reason"])]),
        (ann.id, "x" * 1_001, [("TOO_LONG", ["reason"])]),
        (99, "Spam.", [("NOT_FOUND", None)]),
    ]
    for user_id, reason, expected in bad:
        assert codes(await front(SUSPEND, viewer, id=encode("User", user_id), reason=reason)) == expected
    assert codes(await front(SUSPEND, Viewer(ann.id), id=encode("User", 99), reason="")) == [("FORBIDDEN", None)]
    assert await contents(world) == before


async def test_a_role_counts_from_the_next_request_on_and_is_audited(world: World, front: Front) -> None:
    ann = await front.sign_up("Ann")
    operator = Writer(front.api.writing, ANONYMOUS, "cli")
    for role, before in ((Role.MODERATOR, Role.USER), (Role.ADMIN, Role.MODERATOR), (Role.ADMIN, Role.ADMIN)):
        assert await operator.run(set_role, "aNN", role) is before
        assert (await front.viewer(ann)).role is role
    events = [row for row in await contents(world, models.AuditEvent) if row["stream"] == "system"]
    assert [(row["action"], row["actor_id"], row["subject_id"], row["facts"]) for row in events] == [
        ("user.set_role", None, 1, {"before": "user", "after": "moderator"}),
        ("user.set_role", None, 1, {"before": "moderator", "after": "admin"}),
    ]
    with pytest.raises(NotFound, match="no user named nobody"):
        await operator.run(set_role, "nobody", Role.ADMIN)
