"""From a token or a user's id to the viewer, as the database knows them at this moment."""

from datetime import UTC, datetime

from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.tokens import verify
from feed_service.database import ReadDatabase
from feed_service.errors import NotFound, Unauthenticated
from feed_service.queries.accounts import live_account, live_account_named
from feed_service.viewer import Role, Viewer


async def viewer_of(keys: SigningKeys, database: ReadDatabase, token: str) -> Viewer:
    """Raises Unauthenticated for a bad token, and when its user is deleted, suspended, or was never there."""
    user_id = verify(keys, token, datetime.now(UTC))
    for found_id, role in await database.rows(live_account(user_id)):
        return Viewer(found_id, Role(role))
    raise Unauthenticated("The user of this token is not there any more.")


async def user_id_named(database: ReadDatabase, username: str) -> int:
    """Raises NotFound when nobody live has this name."""
    for found_id, _ in await database.rows(live_account_named(username)):
        return int(found_id)
    raise NotFound(f"There is no user named {username}.")
