"""Sessions: carried on by tokens that are good once, and over at once when they are ended."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed_service import models
from feed_service.commands.sessions import forget_expired
from feed_service.commands.transaction import Writer
from feed_service.errors import Unauthenticated
from feed_service.schema.ids import encode
from feed_service.viewer import ANONYMOUS, Viewer
from tests.accounts.front import Front, codes
from tests.commands.laws import contents
from tests.world import World

LOG_OUT = "mutation ($token: String) { logOut(refreshToken: $token) { userErrors { code } } }"
REVOKE = "mutation ($id: ID!) { revokeSession(id: $id) { revokedId userErrors { code field } } }"
SESSIONS = "{ viewer { sessions { id isCurrent } } }"
OVER = [("INVALID_TOKEN", ["refreshToken"])]


async def is_on(front: Front, session: dict[str, Any]) -> bool:
    try:
        await front.viewer(session)
    except Unauthenticated:
        return False
    return True


async def test_each_refresh_gives_the_next_token(world: World, front: Front) -> None:
    session = await front.sign_up("ann")
    seen = [session["refreshToken"]]
    for _ in range(3):
        session = (await front.refresh(session))["session"]
        assert session["user"]["username"] == "ann"
        assert await is_on(front, session)
        seen.append(session["refreshToken"])
    assert len(set(seen)) == 4
    assert [(row["id"], row["user_id"]) for row in await contents(world, models.Session)] == [(1, 1)]
    assert sorted(row["used_at"] is None for row in await contents(world, models.RefreshToken)) == [False] * 3 + [True]


async def test_tabs_that_refresh_at_once_go_on_with_one_token(world: World, front: Front) -> None:
    session = await front.sign_up("ann")
    answers = await asyncio.gather(*(front.refresh(session) for _ in range(6)))
    (following,) = {answer["session"]["refreshToken"] for answer in answers}
    assert following != session["refreshToken"]
    await front.sql("UPDATE refresh_tokens SET used_at = used_at - interval '9 seconds'")
    assert (await front.refresh(session))["session"]["refreshToken"] == following
    assert (await front.refresh({"refreshToken": following}))["userErrors"] == []
    assert len(await contents(world, models.RefreshToken)) == 3


async def test_a_used_token_that_comes_back_ends_its_session_for_thief_and_owner(world: World, front: Front) -> None:
    stolen, other = await front.sign_up("ann"), (await front.log_in("ann"))["session"]
    owners = (await front.refresh(stolen))["session"]
    await front.sql("UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'")
    assert codes(await front.refresh(stolen)) == OVER
    assert not await is_on(front, owners)
    assert codes(await front.refresh(owners)) == OVER
    assert await is_on(front, other)
    last = (await contents(world, models.AuditEvent))[-1]
    assert (last["stream"], last["action"], last["subject_id"]) == ("user:1", "session.reuse", 1)


async def test_what_is_no_refresh_token_of_a_session_that_lasts_is_refused(world: World, front: Front) -> None:
    ann, bob, cat = await front.sign_up("ann"), await front.sign_up("bob"), await front.sign_up("cat")
    await front.sql("UPDATE sessions SET expires_at = now() WHERE user_id = 1")
    await front.sql("UPDATE users SET suspended_at = now() WHERE id = 2")
    before = await contents(world)
    for token in (ann["refreshToken"], bob["refreshToken"], cat["accessToken"], "", "x" * 5_000, "é"):
        payload = await front.refresh({"refreshToken": token})
        assert (payload["session"], codes(payload)) == (None, OVER), token
    assert await contents(world) == before
    assert not await is_on(front, {"accessToken": cat["refreshToken"]})


async def test_a_session_lasts_thirty_days_and_ninety_in_all(world: World, front: Front) -> None:
    session = await front.sign_up("ann")
    for age, expected in ((10, 30), (80, 10), (89, 1)):
        created_at = datetime.now(UTC) - timedelta(days=age)
        await front.sql(f"UPDATE sessions SET created_at = '{created_at.isoformat()}'")  # noqa: S608
        session = (await front.refresh(session))["session"]
        (row,) = await contents(world, models.Session)
        assert timedelta(0) <= datetime.now(UTC) + timedelta(days=expected) - row["expires_at"] < timedelta(minutes=1)
    await front.sql("UPDATE sessions SET created_at = now() - interval '90 days', expires_at = now()")
    assert codes(await front.refresh(session)) == OVER


@pytest.mark.parametrize("by", ["access token", "refresh token", "both"])
async def test_logging_out_ends_the_session_at_once(world: World, front: Front, by: str) -> None:
    session, other = await front.sign_up("ann"), (await front.log_in("ann"))["session"]
    viewer = None if by == "refresh token" else await front.viewer(session)
    token = None if by == "access token" else session["refreshToken"]
    for _ in range(2):
        assert await front(LOG_OUT, viewer, token=token) == {"userErrors": []}
        assert not await is_on(front, session)
        assert codes(await front.refresh(session)) == OVER
    assert await is_on(front, other)
    assert [event["action"] for event in await contents(world, models.AuditEvent)].count("session.log_out") == 1


async def test_a_session_is_revoked_by_its_owner_alone(world: World, front: Front) -> None:
    ann, phone, bob = await front.sign_up("ann"), (await front.log_in("ann"))["session"], await front.sign_up("bob")
    listed = (await front(SESSIONS, ann))["sessions"]
    assert listed == [
        {"id": encode("Session", 2), "isCurrent": False}, {"id": encode("Session", 1), "isCurrent": True}
    ]  # fmt: skip
    before = await contents(world)
    for who, session_id in ((bob, 1), (bob, 99), (ann, 3)):
        payload = await front(REVOKE, who, id=encode("Session", session_id))
        assert (payload["revokedId"], codes(payload)) == (None, [("NOT_FOUND", None)])
    assert await contents(world) == before
    payload = await front(REVOKE, ann, id=listed[0]["id"])
    assert payload == {"revokedId": listed[0]["id"], "userErrors": []}
    assert not await is_on(front, phone)
    assert await is_on(front, ann)
    assert (await front(SESSIONS, ann))["sessions"] == listed[1:]


async def test_what_is_over_is_forgotten_and_nothing_else(world: World, front: Front) -> None:
    ann, bob = await front.sign_up("ann"), await front.sign_up("bob")
    await front.sql("UPDATE sessions SET expires_at = now() WHERE user_id = 1")
    await front.sql("UPDATE mailed_tokens SET expires_at = now() WHERE user_id = 1")
    await front.sql("INSERT INTO attempt_counts VALUES ('old', now() - interval '25 hours', 1)")
    writer = Writer(front.api.writing, ANONYMOUS)
    assert [await writer.run(forget_expired) for _ in range(2)] == [3, 0]
    for model, owner in ((models.Session, "user_id"), (models.MailedToken, "user_id")):
        assert [row[owner] for row in await contents(world, model)] == [2]
    assert [row["session_id"] for row in await contents(world, models.RefreshToken)] == [2]
    assert codes(await front.refresh(ann)) == OVER
    assert (await front.refresh(bob))["userErrors"] == []


async def test_a_token_of_the_operator_belongs_to_no_session(front: Front) -> None:
    await front.sign_up("ann")
    assert (await front(SESSIONS, Viewer(1)))["sessions"] == [{"id": encode("Session", 1), "isCurrent": False}]
    assert await front(LOG_OUT, Viewer(1), token=None) == {"userErrors": []}
    assert len((await front(SESSIONS, Viewer(1)))["sessions"]) == 1
