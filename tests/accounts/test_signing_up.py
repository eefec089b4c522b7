"""Signing up: by rules, once for each name, and without telling whose an address is."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from feed_service import models
from feed_service.accounts.bearer_secrets import hash_of
from feed_service.commands import mailed
from feed_service.commands.transaction import Transaction, Writer
from feed_service.viewer import ANONYMOUS
from tests.accounts.front import PASSWORD, SIGN_UP, Front, codes, new_account
from tests.commands.laws import contents, drift
from tests.world import World

CONFIRM = "mutation ($token: String!) { confirmEmail(token: $token) { user { username } userErrors { code field } } }"
AGAIN = "mutation { requestEmailConfirmation { userErrors { code } } }"
OWN = "{ viewer { email isEmailConfirmed user { username viewerState { isSelf } } } }"


async def test_who_signs_up_is_signed_in(world: World, front: Front) -> None:
    session = await front.sign_up("Ann", displayName=" Ann the Baker ")
    assert session["user"] == {"id": session["user"]["id"], "username": "Ann", "displayName": " Ann the Baker "}
    lasts = datetime.fromisoformat(session["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < lasts <= timedelta(minutes=15)
    assert await front(OWN, session) == {
        "email": "ann@example.org", "isEmailConfirmed": False,
        "user": {"username": "Ann", "viewerState": {"isSelf": True}},
    }  # fmt: skip
    assert [(change["kind"], change["action"]) for change in await contents(world, models.ChangeLog)] == [
        ("user", "create")
    ]
    assert [event["action"] for event in await contents(world, models.AuditEvent)] == ["account.sign_up"]
    assert await drift(world) == {}


async def test_no_secret_is_stored(world: World, front: Front) -> None:
    session = await front.sign_up("ann")
    mailed = await front.secret()
    stored = repr(await contents(world))
    for secret in (PASSWORD, session["refreshToken"], session["accessToken"], mailed):
        assert secret not in stored
    (token,) = await contents(world, models.RefreshToken)
    assert token["hash"] == hash_of(session["refreshToken"])
    (account,) = await contents(world, models.Account)
    assert account["password_hash"].startswith("$argon2id$")


BAD: list[tuple[dict[str, str], list[tuple[str, list[str]]]]] = [
    ({"username": "an"}, [("INVALID", ["username"])]),
    ({"username": "a" * 41}, [("INVALID", ["username"])]),
    ({"username": "ann b"}, [("INVALID", ["username"])]),
    ({"username": "ann\n"}, [("INVALID", ["username"])]),
    ({"username": "änn"}, [("INVALID", ["username"])]),
    ({"email": "ann"}, [("INVALID", ["email"])]),
    ({"email": "ann@example.org\r\nBcc: all@example.org"}, [("INVALID", ["email"])]),
    ({"email": "ann@" + "x" * 251}, [("TOO_LONG", ["email"])]),
    ({"password": "1234567"}, [("INVALID", ["password"])]),
    ({"password": "x" * 201}, [("TOO_LONG", ["password"])]),
    ({"username": "anna_anna", "password": "Anna_Anna"}, [("INVALID", ["password"])]),
    ({"email": "Ann@example.org", "password": "ann@example.org"}, [("INVALID", ["password"])]),
    ({"displayName": " \u200b\u2003"}, [("EMPTY", ["displayName"])]),
    ({"displayName": "x" * 81}, [("TOO_LONG", ["displayName"])]),
    ({"displayName": "Ann\u202e nimdA"}, [("INVALID", ["displayName"])]),
    ({"displayName": "Ann\nAdmin"}, [("INVALID", ["displayName"])]),
    ({"username": "", "email": "", "password": ""},
     [("INVALID", ["username"]), ("INVALID", ["email"]), ("INVALID", ["password"])]),
    ({"username": "ANN"}, [("TAKEN", ["username"])]),
]  # fmt: skip


async def test_each_wrong_field_is_told_and_nothing_written(world: World, front: Front) -> None:
    await world.user("Ann")
    before = await contents(world)
    for changes, expected in BAD:
        payload = await front(SIGN_UP, input=new_account("somebody") | changes)
        assert (payload["session"], codes(payload)) == (None, expected), changes
    assert await contents(world) == before
    assert await front.mails() == []


async def test_of_two_who_want_one_name_at_once_one_gets_it(world: World, front: Front) -> None:
    names = ["ann", "Ann", "ANN", "aNN"]
    payloads = await asyncio.gather(*(front(SIGN_UP, input=new_account(name)) for name in names))
    assert sorted(codes(payload) for payload in payloads) == [[]] + [[("TAKEN", ["username"])]] * 3
    for model in (models.User, models.Account, models.Session, models.RefreshToken, models.UserStats):
        assert len(await contents(world, model)) == 1, model


async def test_whether_an_address_is_somebodys_is_told_to_its_owner_alone(world: World, front: Front) -> None:
    """The answer, the hashes made and the rows written are the same; only the mail differs."""
    await front.sign_up("ann")
    await front(CONFIRM, token=await front.secret())
    found: list[Any] = []
    for name, address in (("bob", "bob@example.org"), ("cat", "ANN@example.org")):
        before = {table: len(rows) for table, rows in (await contents(world)).items()}
        front.hasher.forget()
        session = await front.sign_up(name, email=address)
        assert (await front(OWN, session))["isEmailConfirmed"] is False
        after = {table: len(rows) - before[table] for table, rows in (await contents(world)).items()}
        found.append((front.hasher.hashed, front.hasher.compared, after | {"attempt_counts": 0}))
    assert found[0] == found[1]
    assert await front.mails() == [
        ("ann@example.org", "Please confirm your e-mail address"),
        ("bob@example.org", "Please confirm your e-mail address"),
        ("ann@example.org", "You have an account already"),
    ]


async def test_an_address_belongs_to_the_first_who_confirms_it(world: World, front: Front) -> None:
    first, second = await front.sign_up("ann"), await front.sign_up("anna", email="Ann@Example.org")
    tokens = await front.secrets()
    assert len(tokens) == 2
    payload = await front(CONFIRM, token=tokens[1])
    assert (payload["user"], codes(payload)) == ({"username": "anna"}, [])
    assert (await front(OWN, second))["isEmailConfirmed"] is True
    before = await contents(world)
    for token, code in [(tokens[0], "TAKEN"), (tokens[1], "INVALID_TOKEN"), ("rubbish", "INVALID_TOKEN")]:
        assert codes(await front(CONFIRM, token=token)) == [(code, ["token"])]
    assert await contents(world) == before
    assert (await front(OWN, first))["isEmailConfirmed"] is False
    assert (await front.log_in("ann@example.org"))["session"]["user"]["username"] == "anna"


async def test_of_two_who_confirm_one_address_at_once_one_gets_it(world: World, front: Front) -> None:
    """The first has confirmed it, but not committed, when the second comes."""
    for name in ("ann", "bob"):
        await front.sign_up(name, email="one@example.org")
    first, second = await front.secrets()
    confirmed, may_commit = asyncio.Event(), asyncio.Event()

    async def slowly(tx: Transaction) -> None:
        await mailed.confirm_email(tx, first)
        confirmed.set()
        await may_commit.wait()

    slow = asyncio.create_task(Writer(front.api.writing, ANONYMOUS).run(slowly))
    await confirmed.wait()
    quick = asyncio.create_task(front(CONFIRM, token=second))
    await asyncio.wait([quick], timeout=0.2)
    may_commit.set()
    await slow
    assert codes(await quick) == [("TAKEN", ["token"])]
    assert [row["user_id"] for row in await contents(world, models.Account) if row["email_confirmed_at"]] == [1]


async def test_an_address_is_written_to_five_times_an_hour(front: Front) -> None:
    session = await front.sign_up("ann")
    for _ in range(6):
        assert (await front(AGAIN, session))["userErrors"] == []
    assert len(await front.mails()) == 5
    await front(CONFIRM, token=await front.secret())
    assert (await front(AGAIN, session))["userErrors"] == []
