"""An identity provider instead of local accounts, from its token to a user of ours, over HTTP and under attack."""

import asyncio
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from feed_service import models
from feed_service.accounts.provider import Identity, Provider, ProviderAddress
from feed_service.accounts.tokens import Bearer, mint
from feed_service.accounts.viewers import LiveAccounts
from feed_service.app import create_app
from feed_service.commands import external
from feed_service.commands.external import usernames
from feed_service.commands.transaction import Writer
from feed_service.errors import ConfigurationError, Unauthenticated
from feed_service.schema.ids import encode
from feed_service.settings import Settings
from feed_service.viewer import ANONYMOUS, Role, Viewer
from tests.accounts.front import SIGN_UP, Front, codes, new_account
from tests.accounts.jwks import AUDIENCE, SmallProvider, identity_provider, written_token
from tests.commands.laws import contents, drift
from tests.http.server import serving
from tests.scratch import execute
from tests.world import World

WHO = "{ viewer { user { id username displayName } email } }"


@pytest.fixture(scope="module")
def small() -> Iterator[SmallProvider]:
    with identity_provider() as provider:
        for algorithm in ("RS256", "ES256", "EdDSA"):
            provider.add(algorithm, algorithm)
        yield provider


@dataclass
class Door:
    """Lets in who has a token."""

    front: Front
    provider: Provider

    async def __call__(self, token: str) -> Viewer:
        api = self.front.api
        return await external.viewer_of(api.desk.keys, self.provider, LiveAccounts(api.database), api.writing, token)


@pytest_asyncio.fixture
async def door(small: SmallProvider, front: Front) -> AsyncIterator[Door]:
    yield Door(front, Provider.at(ProviderAddress.of(small.issuer, AUDIENCE, small.keys_url)))


async def test_whoever_the_provider_signs_in_becomes_a_user_once(
    small: SmallProvider, door: Door, world: World
) -> None:
    await world.user("Ann")
    first: dict[str, Any] = {"sub": "1", "preferred_username": "ann@example.org", "name": "Ann O\u0301."}
    tokens = [small.token(algorithm, **first) for algorithm in ("RS256", "ES256", "EdDSA") for _ in range(3)]
    viewers = await asyncio.gather(*(door(token) for token in tokens))
    assert len(set(viewers)) == 1
    assert viewers[0].user_id is not None
    assert await door(small.token("RS256", sub="2", preferred_username="Z\u00e9 Quim")) == Viewer(
        viewers[0].user_id + 1
    )
    _, ann, ze = await contents(world, models.User)
    assert ann["username"].startswith("ann_")
    assert (ann["display_name"], ze["username"], ze["display_name"]) == ("Ann \u00d3.", "Ze_Quim", "Ze_Quim")
    identities = await contents(world, models.ExternalIdentity)
    assert [(row["issuer"], row["subject"], row["user_id"]) for row in identities] == [
        (small.issuer, "1", ann["id"]), (small.issuer, "2", ze["id"])
    ]  # fmt: skip
    assert [row["action"] for row in await contents(world, models.AuditEvent)] == ["account.first_seen"] * 2
    assert await contents(world, models.Account) == []
    await world.count()
    assert await drift(world) == {}


async def test_their_role_and_their_suspension_count_from_the_next_request_on(small: SmallProvider, door: Door) -> None:
    token = small.token("ES256")
    viewer = await door(token)
    await door.front.sql("UPDATE users SET role = 'moderator'")
    assert await door(token) == Viewer(viewer.user_id, Role.MODERATOR)
    for column in ("suspended_at", "deleted_at"):
        await door.front.sql(f"UPDATE users SET {column} = now()")  # noqa: S608
        with pytest.raises(Unauthenticated, match="not there any more"):
            await door(token)
        operator = Writer(door.front.api.writing, ANONYMOUS)
        with pytest.raises(Unauthenticated):
            await operator.run(external.first_seen, Identity(small.issuer, "subject"))
        await door.front.sql(f"UPDATE users SET {column} = NULL")  # noqa: S608
    assert (await door(token)).user_id == viewer.user_id


NOW = datetime.now(UTC).timestamp()


def hmac_signed(small: SmallProvider) -> str:
    pem = small.keys["RS256"][1].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"iss": small.issuer, "aud": AUDIENCE, "sub": "1", "exp": NOW + 60}
    secret = partial(hmac.digest, pem, digest="sha256")
    return written_token({"alg": "HS256", "kid": "RS256"}, claims, lambda body: secret(msg=body))


def of_a_forger(small: SmallProvider) -> str:
    forger = SmallProvider(small.issuer)
    forger.add("ES256", "ES256", ec.generate_private_key(ec.SECP256R1()))
    return forger.token("ES256")


def altered(small: SmallProvider) -> str:
    header, _, signature = small.token("ES256").split(".")
    return ".".join([header, small.token("ES256", sub="admin").split(".")[1], signature])


FORGED: dict[str, Callable[[SmallProvider], str]] = {
    "no token": lambda _: "a.b.c",
    "no dots": lambda _: "x" * 100,
    "no signature": lambda small: small.token("ES256").rpartition(".")[0] + ".",
    "the claims of another": altered,
    "another key under the id": of_a_forger,
    "the public key as a secret": hmac_signed,
    "the key of another algorithm": lambda small: small.token("ES256", {"kid": "EdDSA"}),
    "an unknown key": lambda small: small.token("ES256", {"kid": "nobody"}),
    "no key id": lambda small: small.token("ES256", {"kid": None}),
    "an algorithm of none": lambda small: small.token("ES256", {"alg": "none"}),
    "another algorithm of the family": lambda small: small.token("RS256", {"alg": "RS512"}),
    "an unknown critical header": lambda small: small.token("ES256", {"crit": ["x"], "x": 1}),
    "unencoded contents": lambda small: small.token("ES256", {"crit": ["b64"], "b64": True}),
    "too long": lambda small: small.token("ES256", note="x" * 8_000),
} | {
    f"{name}": (lambda small, changes=changes: small.token("ES256", **changes))
    for name, changes in {
        "another issuer": {"iss": "https://somebody"},
        "nearly the issuer": {"iss": "http://127.0.0.1"},
        "a list of issuers": {"iss": ["x"]},
        "another audience": {"aud": "another"},
        "a list of other audiences": {"aud": ["another", AUDIENCE + "x"]},
        "expired": {"exp": NOW - 60},
        "not yet": {"nbf": NOW + 86_400},
        "issued tomorrow": {"iat": NOW + 86_400},
        "a time in words": {"exp": "tomorrow"},
        "a time of yes": {"exp": True},
        "a numeric subject": {"sub": 1},
        "an empty subject": {"sub": ""},
        "a subject with a NUL": {"sub": "a\0b"},
        "a long subject": {"sub": "x" * 256},
        "no issuer": {"iss": None},
        "no audience": {"aud": None},
        "no subject": {"sub": None},
        "no end": {"exp": None},
    }.items()
}  # fmt: skip


async def test_any_other_token_is_refused_and_makes_nobody(small: SmallProvider, door: Door, world: World) -> None:
    before = await contents(world)
    for name, forged in FORGED.items():
        with pytest.raises(Unauthenticated, match=r"^The token (is not valid|has expired)\.$"):
            raise AssertionError(f"{name}: {await door(forged(small))}")
    assert await contents(world) == before


async def test_clocks_may_differ_by_seconds(small: SmallProvider, door: Door) -> None:
    now = datetime.now(UTC).timestamp()
    for changes in ({"exp": now - 5}, {"iat": now + 5, "nbf": now + 5}, {"iat": None}, {"aud": ["other", AUDIENCE]}):
        assert (await door(small.token("ES256", **changes))).user_id == 1


async def test_tokens_of_the_operator_go_on(door: Door, world: World) -> None:
    ann = await world.user("ann")
    keys, now = door.front.api.desk.keys, datetime.now(UTC)
    token = mint(keys, Bearer(ann.id), lifetime=timedelta(hours=12), now=now)
    assert await door(token) == Viewer(ann.id)


LOCAL = [
    "logIn(input: {login: \"ann\", password: \"correct horse\"})",
    "refreshSession(refreshToken: \"x\")",
    "changePassword(input: {current: \"x\", new: \"correct horse\"})",
    "requestPasswordReset(email: \"ann@example.org\")",
    "resetPassword(input: {token: \"x\", password: \"correct horse\"})",
    "requestEmailConfirmation",
    "confirmEmail(token: \"x\")",
]  # fmt: skip


async def test_local_accounts_are_off(front: Front, world: World) -> None:
    ann = await front.sign_up("ann")
    front.api.desk = replace(front.api.desk, is_local=False)
    before = await contents(world)
    off = [("LOCAL_ACCOUNTS_OFF", None)]
    assert codes(await front(SIGN_UP, input=new_account("bob"))) == off
    for mutation in LOCAL:
        assert codes(await front(f"mutation {{ {mutation} {{ userErrors {{ code field }} }} }}", ann)) == off, mutation
    assert await contents(world) == before


@pytest.mark.parametrize(
    ("wish", "first"),
    [
        ("ann", "ann"),
        ("Ann.O'Neil", "Ann_O_Neil"),
        ("Jürgen@example.org", "Jurgen"),
        ("x" * 60, "x" * 31),
        ("an", "an_"),
        ("李", "user_"),
        ("@@", "user_"),
        (None, "user_"),
    ],
)
def test_a_user_name_is_like_the_wish(wish: str | None, first: str) -> None:
    found = list(usernames(wish))
    assert found[0] == first or (first.endswith("_") and found[0].startswith(first))
    assert len(set(found)) == len(found) >= 5
    assert all(len(name) <= 40 for name in found)


async def asked(url: str, token: str) -> tuple[int, Any]:
    return await asyncio.to_thread(answered, url, token)


def answered(url: str, token: str) -> tuple[int, Any]:
    body = json.dumps({"query": WHO}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url + "/graphql", body, headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def test_the_service_takes_the_tokens_of_its_provider_and_outlives_it(
    empty_database_url: str, tmp_path: Path
) -> None:
    with identity_provider() as small:
        small.add("one", "RS256")
        environment = {
            "DATABASE_URL": empty_database_url,
            "FEED_DATA_DIR": str(tmp_path),
            "FEED_OIDC_AUDIENCE": AUDIENCE,
        }
        settings = Settings.from_environment(environment | {"FEED_OIDC_ISSUER": small.issuer})
        with serving(create_app(settings)) as url:
            small.break_down()
            status, answer = await asked(url, small.token("one"))
            assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
            small.publish()
        with serving(create_app(settings)) as url:
            token = small.token("one", preferred_username="ann", name="Ann")
            status, answer = await asked(url, token)
            ann = {"id": encode("User", 1), "username": "ann", "displayName": "Ann"}
            assert (status, answer) == (200, {"data": {"viewer": {"user": ann, "email": None}}})
            small.break_down()
            assert await asked(url, token) == (200, answer)
            assert (await asked(url, small.token("one", exp=1)))[0] == 401
            await execute(empty_database_url, "UPDATE users SET suspended_at = now()")
            assert (await asked(url, token))[0] == 401


@pytest.mark.parametrize(
    "variables",
    [
        {"ISSUER": "https://id.example.org"},
        {"AUDIENCE": "feed"},
        {"JWKS_URL": "https://id.example.org/keys"},
        {"ISSUER": "http://id.example.org", "AUDIENCE": "feed"},
        {"ISSUER": "https://id.example.org", "AUDIENCE": "feed", "JWKS_URL": "http://id.example.org/keys"},
    ],
)
def test_half_a_provider_is_no_provider(variables: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="FEED_OIDC_"):
        Settings.from_environment({f"FEED_OIDC_{name}": value for name, value in variables.items()})
