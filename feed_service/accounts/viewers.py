"""From a token or a user's id to the viewer, as the database knows them at this moment."""

from datetime import UTC, datetime

from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.tokens import verify
from feed_service.database import ReadDatabase
from feed_service.errors import NotFound, Unauthenticated
from feed_service.queries import accounts
from feed_service.transactions import Statements, compiled
from feed_service.viewer import Role, Viewer

LIVE_ACCOUNT = compiled(accounts.live_account())
LIVE_ACCOUNT_IN_SESSION = compiled(accounts.live_account_in_session())
LIVE_ACCOUNT_NAMED = accounts.live_account_named()


async def viewer_of(keys: SigningKeys, database: ReadDatabase, token: str) -> Viewer:
    """Raises Unauthenticated for a bad token, and when its user or session is not there any more."""
    bearer = verify(keys, token, datetime.now(UTC))
    statement = LIVE_ACCOUNT if bearer.session_id is None else LIVE_ACCOUNT_IN_SESSION
    values = {"user_id": bearer.user_id} | ({} if bearer.session_id is None else {"session_id": bearer.session_id})
    for found_id, role in await database.by_driver(lambda driver: Statements(driver).rows(statement, **values)):
        return Viewer(found_id, Role(role), bearer.session_id)
    raise Unauthenticated("The user or the session of this token is not there any more.")


async def user_id_named(database: ReadDatabase, username: str) -> int:
    """Raises NotFound when nobody live has this name."""
    for found_id, _ in await database.rows(LIVE_ACCOUNT_NAMED, {"username": username.lower()}):
        return int(found_id)
    raise NotFound(f"There is no user named {username}.")
