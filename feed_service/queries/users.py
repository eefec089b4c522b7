"""Which users; who may be seen is decided in `visibility`."""

from sqlalchemy import Select, Text, func, select

from feed_service import models
from feed_service.queries.batches import Ids, Texts, is_any
from feed_service.queries.visibility import user_accessible_to
from feed_service.viewer import Viewer


def by_ids(viewer: Viewer, user_ids: Ids) -> Select[models.User]:
    return select(models.User).where(is_any(models.User.id, user_ids), user_accessible_to(viewer))


def whoever_by_ids(user_ids: Ids) -> Select[models.User]:
    """Also those who are suspended or deleted: for what was already decided to be seen."""
    return select(models.User).where(is_any(models.User.id, user_ids))


def by_usernames(viewer: Viewer, usernames: Texts) -> Select[models.User]:
    """`usernames` in lower case; upper and lower case are one name."""
    username = func.lower(models.User.username, type_=Text)
    return select(models.User).where(is_any(username, usernames), user_accessible_to(viewer))
