"""A front-end, as small as can be: signs people up and in through the schema, and asks with the tokens it is given."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from feed_service.accounts.viewers import LiveAccounts, viewer_of
from feed_service.viewer import Viewer
from tests.api import Api, api_on
from tests.desk import Watched, desk_for_tests
from tests.scratch import execute

PASSWORD = "correct horse battery"

SESSION = "session { accessToken refreshToken expiresAt user { id username displayName } }"
SIGN_UP = f"mutation ($input: SignUpInput!) {{ signUp(input: $input) {{ {SESSION} userErrors {{ code field }} }} }}"
LOG_IN = (
    f"mutation ($input: LogInInput!) {{ logIn(input: $input) {{ {SESSION} userErrors {{ code message field }} }} }}"
)
REFRESH = f"""mutation ($token: String!) {{
    refreshSession(refreshToken: $token) {{ {SESSION} userErrors {{ code field }} }} }}"""


@dataclass
class Front:
    """`hasher` counts what is hashed."""

    api: Api
    hasher: Watched
    url: str

    async def __call__(self, query: str, who: dict[str, Any] | Viewer | None = None, **variables: Any) -> Any:  # noqa: ANN401
        """The payload of the one mutation, asked with the access token of the session `who`."""
        viewer = await self.viewer(who) if isinstance(who, dict) else who
        (payload,) = (await self.api(query, viewer, **variables)).values()
        return payload

    async def viewer(self, session: dict[str, Any]) -> Viewer:
        """Raises Unauthenticated."""
        return await viewer_of(self.api.desk.keys, LiveAccounts(self.api.database), session["accessToken"])

    async def sign_up(self, username: str, **changes: str) -> dict[str, Any]:
        """The session."""
        payload = await self(SIGN_UP, input=new_account(username, **changes))
        assert payload["userErrors"] == []
        session: dict[str, Any] = payload["session"]
        return session

    async def log_in(self, login: str, password: str = PASSWORD) -> Any:  # noqa: ANN401 - the payload.
        return await self(LOG_IN, input={"login": login, "password": password})

    async def refresh(self, session: dict[str, Any]) -> Any:  # noqa: ANN401 - the payload.
        return await self(REFRESH, token=session["refreshToken"])

    async def sql(self, statement: str) -> None:
        await execute(self.url, statement)

    async def mails(self) -> list[tuple[str, str]]:
        """(to, subject) of all mails, once they are sent."""
        await self.api.desk.outbox.close()
        return [(mail.to, mail.subject) for mail in self.api.mails]

    async def secrets(self) -> list[str]:
        """The tokens in all mails, oldest first."""
        await self.api.desk.outbox.close()
        return [mail.text.partition("The token is: ")[2].split()[0] for mail in self.api.mails]

    async def secret(self) -> str:
        return (await self.secrets())[-1]


def new_account(username: str, **changes: str) -> dict[str, str]:
    return {"username": username, "email": f"{username.lower()}@example.org", "password": PASSWORD} | changes


def codes(payload: Any) -> list[tuple[str, list[str] | None]]:  # noqa: ANN401 - a payload.
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


@asynccontextmanager
async def front_on(url: str) -> AsyncIterator[Front]:
    async with api_on(url) as api:
        api.desk.passwords.close()
        hasher = Watched()
        api.desk = replace(desk_for_tests(api.mails, hasher), keys=api.desk.keys)
        hasher.forget()
        yield Front(api, hasher, url)
