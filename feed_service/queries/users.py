"""Which users; who may be seen is decided in `visibility`."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Text, func, select

from feed_service import models
from feed_service.queries.batches import Ids, Texts, is_any
from feed_service.queries.visibility import user_accessible_to
from feed_service.statements import BESIDE, ROWS_OF
from feed_service.viewer import Viewer

CARD = ("id", "username", "display_name", "avatar_url")
"""What an app shows of whoever wrote something."""


def authors() -> FromClause:
    """The table, to be joined to what they wrote."""
    return models.User.__table__.alias("author")


def card_of(author: FromClause) -> list[ColumnElement[Any]]:
    """The columns of a row `author` beside another one: see `rows.Beside`."""
    return [author.c[name].label(f"author__{name}") for name in CARD]


def with_author(model: type[models.Base]) -> dict[str, Any]:
    """The options of a statement whose rows are of `model`, each with the card of its author."""
    return {ROWS_OF: model, BESIDE: {"author": models.User}}


def by_ids(viewer: Viewer, user_ids: Ids) -> Select[models.User]:
    return select(models.User).where(is_any(models.User.id, user_ids), user_accessible_to(viewer))


def whoever_by_ids(user_ids: Ids) -> Select[models.User]:
    """Also those who are suspended or deleted: for what was already decided to be seen."""
    return select(models.User).where(is_any(models.User.id, user_ids))


def by_usernames(viewer: Viewer, usernames: Texts) -> Select[models.User]:
    """`usernames` in lower case; upper and lower case are one name."""
    username = func.lower(models.User.username, type_=Text)
    return select(models.User).where(is_any(username, usernames), user_accessible_to(viewer))
