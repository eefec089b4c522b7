"""Whose token it is, and whose it will be."""

from sqlalchemy import BigInteger, Select, func, literal, select

from feed_service import models
from feed_service.queries.visibility import user_is_live


def live_account(user_id: int) -> Select[int, str]:
    """(id, role) of the user, if live."""
    user = models.User
    return select(user.id, user.role).where(user.id == literal(user_id, BigInteger), user_is_live(user.id))


def live_account_named(username: str) -> Select[int, str]:
    """(id, role) of the user, if live; upper and lower case are one name."""
    user = models.User
    return select(user.id, user.role).where(func.lower(user.username) == username.lower(), user_is_live(user.id))
