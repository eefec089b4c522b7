"""Logging in: by name or confirmed address, and without telling who is there."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed_service import models
from feed_service.accounts.rules import email_key
from feed_service.commands.attempts import LOG_INS
from tests.accounts.front import LOG_IN, PASSWORD, Front, codes
from tests.accounts.test_signing_up import CONFIRM
from tests.api import Refused
from tests.commands.laws import contents
from tests.world import World

CODE_ONLY = "mutation ($input: LogInInput!) { logIn(input: $input) { userErrors { code } } }"


async def test_a_name_or_a_confirmed_address_lets_in(world: World, front: Front) -> None:
    await front.sign_up("Ann")
    assert codes(await front.log_in("ann@example.org")) == [("INVALID_CREDENTIALS", None)]
    await front(CONFIRM, token=await front.secret())
    for login in ("Ann", "ann", "ANN", "ann@example.org", "ANN@Example.ORG"):
        session = (await front.log_in(login))["session"]
        assert session["user"]["username"] == "Ann"
        assert (await front.viewer(session)).user_id == 1
    actions = [event["action"] for event in await contents(world, models.AuditEvent)]
    assert actions == ["account.sign_up", "account.confirm_email", *["session.log_in"] * 5]


async def test_wrong_unknown_suspended_and_without_password_are_one(world: World, front: Front) -> None:
    """The same answer after the same work: one comparison, no hash, and one more attempt counted."""
    for name in ("ann", "paused", "gone"):
        await front.sign_up(name)
    await world.user("imported")
    await front.sql("UPDATE users SET suspended_at = now() WHERE username = 'paused'")
    await front.sql("UPDATE users SET deleted_at = now() WHERE username = 'gone'")
    tries = [("ann", "wrong password"), ("ann", ""), ("ann", PASSWORD.upper()), ("nobody", PASSWORD), ("", PASSWORD)]
    tries += [("paused", PASSWORD), ("gone", PASSWORD), ("imported", PASSWORD), ("ann@example.org", PASSWORD)]
    tries += [("ann ", PASSWORD), ("' OR 1=1 --", PASSWORD), ("x" * 10_000, PASSWORD), ("@@", "x")]
    before, answers = await contents(world), []
    for login, password in tries:
        front.hasher.forget()
        answers.append(await front.log_in(login, password))
        assert (front.hasher.hashed, front.hasher.compared) == (0, 1), login
    expected = {
        "session": None,
        "userErrors": [{"code": "INVALID_CREDENTIALS", "message": "The name or the password is wrong.", "field": None}],
    }
    assert answers == [expected] * len(tries)
    after = await contents(world)
    counts = after.pop("attempt_counts")
    assert before | {"attempt_counts": counts} == after | {"attempt_counts": counts}
    assert sum(count["n"] for count in counts if count["hash"] == LOG_INS.hash_of("ann")) == 3


@pytest.mark.parametrize("login", ["ann", "nobody", "ann@example.org"])
async def test_twenty_wrong_passwords_at_once_are_the_last(front: Front, login: str) -> None:
    await front.sign_up("ann")

    async def tried() -> str:
        try:
            return str((await front(CODE_ONLY, input={"login": login, "password": "wrong"}))["userErrors"][0]["code"])
        except Refused as refused:
            return refused.codes[0]

    found = await asyncio.gather(*(tried() for _ in range(25)))
    assert sorted(found) == ["INVALID_CREDENTIALS"] * 20 + ["RATE_LIMITED"] * 5
    with pytest.raises(Refused, match="Too many attempts") as refused:
        await front.log_in(login.upper())
    assert refused.value.codes == ["RATE_LIMITED"]


async def test_right_passwords_do_not_use_attempts_up(world: World, front: Front) -> None:
    await front.sign_up("ann")
    for _ in range(21):
        assert (await front.log_in("ann"))["session"]
    assert (
        sum(row["n"] for row in await contents(world, models.AttemptCount) if row["hash"] == LOG_INS.hash_of("ann"))
        == 0
    )


async def test_the_oldest_of_too_many_sessions_ends(world: World, front: Front) -> None:
    first = await front.sign_up("ann")
    later = datetime.now(UTC) + timedelta(days=1)
    for _ in range(99):
        await world.add(models.Session(user_id=1, expires_at=later))
    assert (await front.viewer(first)).session_id == 1
    await front.log_in("ann")
    assert [row["id"] for row in await contents(world, models.Session)] == list(range(2, 102))


async def test_a_log_in_with_the_old_password_does_not_outlive_a_change(world: World, front: Front) -> None:
    """The hash that was compared is compared again where the session is made, under a lock."""
    session = await front.sign_up("ann")
    change = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { userErrors { code } } }"
    work: list[Any] = [front(change, session, input={"current": PASSWORD, "new": "another password"})]
    work += [front.log_in("ann") for _ in range(5)]
    await asyncio.gather(*work)
    assert [row["id"] for row in await contents(world, models.Session)] == [1]


async def test_whoever_signs_in_sees_themselves_also_from_the_session_of_somebody_they_blocked(
    world: World, front: Front
) -> None:
    ann = await front.sign_up("ann")
    await front.sign_up("bob")
    await world.add(models.Block(blocker_id=2, blocked_id=1))
    payload = await front(LOG_IN, ann, input={"login": "bob", "password": PASSWORD})
    assert payload["session"]["user"]["username"] == "bob"


def test_letters_of_an_address_are_compared_as_they_look() -> None:
    assert email_key("A\u0301nn@EXAMPLE.org") == "\u00e1nn@example.org"
