"""From a token or a user's id to the viewer, as the database knows them at this moment."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.tokens import Bearer, verify
from feed_service.database import ReadDatabase
from feed_service.errors import NotFound, Unauthenticated
from feed_service.queries import accounts
from feed_service.viewer import Role, Viewer

LIVE_ACCOUNTS = accounts.live_accounts()
LIVE_ACCOUNT_NAMED = accounts.live_account_named()

Waiter = tuple[Bearer, "asyncio.Future[Role | None]"]


class LiveAccounts:
    """Who is live, and in a session that is not over: one statement asks for all who wait, and begins after they came.

    By itself, that statement was a quarter of what a signed-in request cost beside its execution (0.13 ms of CPU).
    """

    def __init__(self, database: ReadDatabase) -> None:
        self.database = database
        self._waiting: list[Waiter] = []
        self._task: asyncio.Task[None] | None = None

    async def role_of(self, bearer: Bearer) -> Role | None:
        """None when the user or the session is not there any more. Raises what asking the database raises."""
        waiter: asyncio.Future[Role | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((bearer, waiter))
        if self._task is None:
            self._task = asyncio.create_task(self._answer_all())
        return await waiter

    async def _answer_all(self) -> None:
        """Until nobody waits: who comes while a statement is under way is asked about by the next one."""
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._answer(asked)
        finally:
            self._task = None

    async def _answer(self, asked: list[Waiter]) -> None:
        try:
            roles = await self._roles({bearer for bearer, _ in asked})
        except BaseException as fault:
            for _, waiter in asked:
                if not waiter.done():
                    waiter.set_exception(fault) if isinstance(fault, Exception) else waiter.cancel()
            if not isinstance(fault, Exception):
                raise
            return
        for bearer, waiter in asked:
            if not waiter.done():
                waiter.set_result(roles.get(bearer))

    async def _roles(self, bearers: Iterable[Bearer]) -> dict[Bearer, Role]:
        values = {
            "user_ids": [bearer.user_id for bearer in bearers],
            "session_ids": [bearer.session_id for bearer in bearers if bearer.session_id is not None],
        }
        rows = await self.database.rows(LIVE_ACCOUNTS, values)
        found: dict[Bearer, Role] = {}
        for user_id, role, session_id in rows:
            found[Bearer(user_id)] = found[Bearer(user_id, session_id)] = Role(role)
        return found


async def viewer_of(keys: SigningKeys, accounts: LiveAccounts, token: str) -> Viewer:
    """Raises Unauthenticated for a bad token, and when its user or session is not there any more."""
    bearer = verify(keys, token, datetime.now(UTC))
    role = await accounts.role_of(bearer)
    if role is None:
        raise Unauthenticated("The user or the session of this token is not there any more.")
    return Viewer(bearer.user_id, role, bearer.session_id)


async def viewer_named(database: ReadDatabase, username: str) -> Viewer:
    """With the role that the user has. Raises NotFound when nobody live has this name."""
    for user_id, role in await database.rows(LIVE_ACCOUNT_NAMED, {"username": username.lower()}):
        return Viewer(user_id, Role(role))
    raise NotFound(f"There is no user named {username}.")


async def user_id_named(database: ReadDatabase, username: str) -> int:
    """Raises as `viewer_named`."""
    user_id = (await viewer_named(database, username)).user_id
    assert user_id is not None  # noqa: S101 - of somebody.
    return user_id
