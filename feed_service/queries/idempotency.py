"""Idempotency keys that are good no more."""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import INTERVAL

from feed_service import models

LIFETIME = timedelta(hours=24)


def is_expired() -> ColumnElement[bool]:
    return models.IdempotencyKey.created_at < func.now() - literal(LIFETIME, INTERVAL)


def expired() -> Select[*tuple[Any, ...]]:
    """(user_id, mutation, key) of up to `:limit`, oldest first."""
    key = models.IdempotencyKey
    oldest = select(key.user_id, key.mutation, key.key).where(is_expired()).order_by(key.created_at)
    return oldest.limit(bindparam("limit", type_=BigInteger))
