"""What people do with their own account: the profile, the password, and the mail that brings a new one."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from feed_service import models
from feed_service.accounts.mail import Outbox, send_by
from feed_service.errors import Unauthenticated
from tests.accounts.front import PASSWORD, Front, codes
from tests.accounts.smtp import mailbox
from tests.api import Refused
from tests.commands.laws import contents, drift
from tests.world import World

PROFILE = """mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) {
    user { displayName bio avatarUrl } userErrors { code field ... on ValidationError { constraint } } } }"""
CHANGE = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { userErrors { code field } } }"
FORGOT = "mutation ($email: String!) { requestPasswordReset(email: $email) { userErrors { code field } } }"
RESET = "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { userErrors { code field } } }"
NEW = "another password"


async def test_a_profile_changes_where_it_is_told_to(world: World, front: Front) -> None:
    ann = await front.sign_up("ann")
    steps: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"displayName": "A\u0301nn", "bio": "*Bakes.*\n"},
         {"displayName": "\u00c1nn", "bio": "*Bakes.*\n", "avatarUrl": None}),
        ({"avatarUrl": "https://example.org/ann.png?s=1#x"},
         {"displayName": "\u00c1nn", "bio": "*Bakes.*\n", "avatarUrl": "https://example.org/ann.png?s=1#x"}),
        ({"bio": None}, {"displayName": "\u00c1nn", "bio": None, "avatarUrl": "https://example.org/ann.png?s=1#x"}),
    ]  # fmt: skip
    for given, expected in steps:
        assert await front(PROFILE, ann, input=given) == {"user": expected, "userErrors": []}
    logged = [row for row in await contents(world, models.ChangeLog) if row["action"] == "update"]
    assert [(row["kind"], row["subject_id"], row["author_id"], row["actor_id"]) for row in logged] == [
        ("user", 1, 1, 1)
    ] * 3
    told = [event for event in await contents(world, models.AuditEvent) if event["action"] == "user.update_profile"]
    assert [event["facts"] for event in told] == [
        {"fields": ["bio", "display_name"]}, {"fields": ["avatar_url"]}, {"fields": ["bio"]}
    ]  # fmt: skip
    assert b"Bakes" not in told[0]["private"]
    before = await contents(world)
    for given in ({}, {"displayName": "\u00c1nn"}, {"bio": None}):
        assert (await front(PROFILE, ann, input=given))["userErrors"] == []
    assert await contents(world) == before
    assert await drift(world) == {}


async def test_a_profile_within_the_rules(world: World, front: Front) -> None:
    ann = await front.sign_up("ann")
    await front(
        PROFILE, ann, input={"displayName": "x" * 80, "bio": "b" * 1_000, "avatarUrl": "https://a/" + "u" * 1_990}
    )
    before = await contents(world)
    bad: list[tuple[dict[str, Any], list[tuple[str, list[str]]]]] = [
        ({"displayName": None}, [("EMPTY", ["displayName"])]),
        ({"displayName": "\u2003"}, [("EMPTY", ["displayName"])]),
        ({"displayName": "x" * 81, "bio": "b" * 1_001}, [("TOO_LONG", ["displayName"]), ("TOO_LONG", ["bio"])]),
        ({"avatarUrl": "https://a/" + "u" * 1_991}, [("TOO_LONG", ["avatarUrl"])]),
    ]
    urls = [
        "",
        "http://a/x.png",
        "javascript:alert(1)",
        "https://",
        "https://a b/",
        "https://u:p@a/",
        "//a/x",
        "https://[/",
    ]
    bad += [
        ({"avatarUrl": url, "bio": "Good."}, [("INVALID", ["avatarUrl"])]) for url in [*urls, "data:,x", 'https://a/"']
    ]
    for given, expected in bad:
        payload = await front(PROFILE, ann, input=given)
        assert (payload["user"], codes(payload)) == (None, expected), given
    assert await contents(world) == before


async def test_a_new_password_ends_the_other_sessions(world: World, front: Front) -> None:
    ann, phone, bob = await front.sign_up("ann"), (await front.log_in("ann"))["session"], await front.sign_up("bob")
    assert await front(CHANGE, ann, input={"current": PASSWORD, "new": NEW}) == {"userErrors": []}
    assert {(await front.viewer(session)).user_id for session in (ann, bob)} == {1, 2}
    with pytest.raises(Unauthenticated):
        await front.viewer(phone)
    assert codes(await front.refresh(phone)) == [("INVALID_TOKEN", ["refreshToken"])]
    assert codes(await front.log_in("ann")) == [("INVALID_CREDENTIALS", None)]
    assert (await front.log_in("ann", NEW))["session"]
    assert (await front.refresh(ann))["session"]
    assert [event["action"] for event in await contents(world, models.AuditEvent)].count("account.change_password") == 1


async def test_a_password_is_changed_by_who_knows_it_within_the_rules(world: World, front: Front) -> None:
    ann = await front.sign_up("ann")
    await front.log_in("ann")
    before = await contents(world)
    wrong: list[tuple[str, str, list[tuple[str, list[str]]]]] = [
        ("wrong", NEW, [("INVALID_CREDENTIALS", ["current"])]),
        (PASSWORD, "short", [("INVALID", ["new"])]),
        (PASSWORD, "ann@EXAMPLE.org", [("INVALID", ["new"])]),
        (PASSWORD, "x" * 201, [("TOO_LONG", ["new"])]),
    ]
    for current, new, expected in wrong:
        assert codes(await front(CHANGE, ann, input={"current": current, "new": new})) == expected
    after = await contents(world)
    assert after.pop("attempt_counts") != before.pop("attempt_counts")
    assert after == before


async def test_guessing_with_a_found_token_ends_after_twenty_and_strangers_cannot_use_it_up(front: Front) -> None:
    ann = await front.sign_up("ann")
    for _ in range(20):
        for login in ("ann", "1", "@1@"):
            assert codes(await front.log_in(login, "wrong")) == [("INVALID_CREDENTIALS", None)]
    for _ in range(20):
        assert codes(await front(CHANGE, ann, input={"current": "wrong", "new": NEW})) == [
            ("INVALID_CREDENTIALS", ["current"])
        ]
    with pytest.raises(Refused) as refused:
        await front(CHANGE, ann, input={"current": PASSWORD, "new": NEW})
    assert refused.value.codes == ["RATE_LIMITED"]


async def test_of_two_changes_at_once_one_is_refused(front: Front) -> None:
    ann = await front.sign_up("ann")
    given = [{"current": PASSWORD, "new": f"password number {number}"} for number in range(4)]
    answers = await asyncio.gather(*(front(CHANGE, ann, input=one) for one in given))
    (winner,) = [one["new"] for one, answer in zip(given, answers, strict=True) if not answer["userErrors"]]
    assert sorted(codes(answer) for answer in answers) == [[]] + [[("INVALID_CREDENTIALS", ["current"])]] * 3
    assert (await front.log_in("ann", winner))["session"]


async def test_a_forgotten_password_is_replaced_by_mail(world: World, front: Front) -> None:
    """By a real SMTP server. It ends all sessions, confirms the address, and is good once."""
    ann = await front.sign_up("ann")
    async with mailbox() as box:
        outbox = Outbox(send_by(box.url, "Feed <feed@example.org>"))
        front.api.desk = replace(front.api.desk, outbox=outbox, public_url="https://feed.example.org")
        assert await front(FORGOT, email="ANN@example.org") == {"userErrors": []}
        mail = await box.next()
    assert (mail["To"], mail["Subject"]) == ("ann@example.org", "Choose a new password")
    token = mail.get_content().partition("https://feed.example.org/reset-password#token=")[2].split()[0]
    assert codes(await front(RESET, input={"token": token, "password": "Ann"})) == [("INVALID", ["password"])]
    assert await front(RESET, input={"token": token, "password": NEW}) == {"userErrors": []}
    with pytest.raises(Unauthenticated):
        await front.viewer(ann)
    assert await contents(world, models.Session) == []
    assert codes(await front.log_in("ann")) == [("INVALID_CREDENTIALS", None)]
    assert (await front.log_in("ann@example.org", NEW))["session"]["user"]["username"] == "ann"
    before = await contents(world)
    assert codes(await front(RESET, input={"token": token, "password": PASSWORD})) == [("INVALID_TOKEN", ["token"])]
    assert await contents(world) == before


async def test_what_makes_no_reset(world: World, front: Front) -> None:
    await front.sign_up("ann")
    for _ in range(2):
        await front(FORGOT, email="ann@example.org")
    confirms, *resets = await front.secrets()
    assert len(resets) == 2
    await front.sql("UPDATE users SET suspended_at = now()")
    before = await contents(world)
    for token in (confirms, resets[0], "", "x" * 3_000):
        assert codes(await front(RESET, input={"token": token, "password": NEW})) == [("INVALID_TOKEN", ["token"])]
    assert await contents(world) == before
    await front.sql("UPDATE users SET suspended_at = NULL")
    answers = await asyncio.gather(*(front(RESET, input={"token": resets[0], "password": NEW}) for _ in range(3)))
    assert sorted(codes(answer) for answer in answers) == [[]] + [[("INVALID_TOKEN", ["token"])]] * 2
    assert codes(await front(RESET, input={"token": resets[1], "password": NEW})) == [("INVALID_TOKEN", ["token"])]
    await front(FORGOT, email="ann@example.org")
    await front.sql("UPDATE mailed_tokens SET expires_at = now()")
    assert codes(await front(RESET, input={"token": await front.secret(), "password": NEW})) == [
        ("INVALID_TOKEN", ["token"])
    ]


async def test_asking_for_a_reset_tells_nothing(world: World, front: Front) -> None:
    """The same answer and the same rows for an address that is confirmed, given, suspended or nobody's."""
    for name in ("ann", "bob", "paused"):
        await front.sign_up(name)
    await front.sql("UPDATE accounts SET email_confirmed_at = now() WHERE user_id = 1")
    await front.sql("UPDATE users SET suspended_at = now() WHERE username = 'paused'")
    grown, kept = [], await contents(world)
    for name in ("ann", "bob", "paused", "nobody"):
        before = await contents(world)
        assert await front(FORGOT, email=f"{name}@example.org") == {"userErrors": []}
        grown.append({table: len(rows) - len(before[table]) for table, rows in (await contents(world)).items()})
    assert [grown[0] | {"attempt_counts": 1}] * 3 + [grown[3]] == [one | {"attempt_counts": 1} for one in grown]
    after = await contents(world)
    assert {table for table in after if after[table] != kept[table]} == {"attempt_counts", "mailed_tokens"}
    assert [to for to, subject in await front.mails() if subject == "Choose a new password"] == [
        "ann@example.org", "bob@example.org"
    ]  # fmt: skip
    assert codes(await front(FORGOT, email="nobody")) == [("INVALID", ["email"])]


async def test_a_reset_goes_to_the_owner_of_the_address_or_else_to_the_first_who_gave_it(
    world: World, front: Front
) -> None:
    await front.sign_up("ann")
    await front.sign_up("anna", email="ann@example.org")
    for is_confirmed, expected in ((False, "ann"), (True, "anna")):
        if is_confirmed:
            await front.sql("UPDATE accounts SET email_confirmed_at = now() WHERE user_id = 2")
        await front(FORGOT, email="ann@example.org")
        await front.mails()
        assert f"Hello {expected},\n" in front.api.mails[-1].text
    assert await front(RESET, input={"token": (await front.secrets())[-2], "password": NEW}) == {"userErrors": []}
    owners = [row["user_id"] for row in await contents(world, models.Account) if row["email_confirmed_at"]]
    assert owners == [2]
