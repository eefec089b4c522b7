"""Creations done once under a key: a repetition answers for what was made the first time (docs/decisions/0009)."""

import hashlib
import json
import re
from dataclasses import asdict, is_dataclass
from typing import Any, ParamSpec

import orjson
from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, cast, delete, func, null, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from feed_service import models
from feed_service.commands.permissions import signed_in
from feed_service.commands.transaction import Command, Transaction
from feed_service.errors import InProgress, Invalid, Refused
from feed_service.queries import idempotency
from feed_service.transactions import compiled, sqlstate_of
from feed_service.vocabulary import UserErrorCode

Arguments = ParamSpec("Arguments")

KEY = re.compile(r"[\x21-\x7e]{1,200}")
FORGOTTEN = 1_000
"""Rows that one call forgets."""

LOCK_NOT_GRANTED = "55P03"

stored = models.IdempotencyKey
USER_ID = bindparam("user_id", type_=BigInteger)
MUTATION = bindparam("mutation", type_=Text)
NAME = bindparam("key", type_=Text)
_this = (stored.user_id == USER_ID, stored.mutation == MUTATION, stored.key == NAME)

_row = insert(stored).values(
    user_id=USER_ID, mutation=MUTATION, key=NAME, request_hash=bindparam("hash", type_=LargeBinary)
)
TAKE = compiled(
    _row.on_conflict_do_update(
        index_elements=[stored.user_id, stored.mutation, stored.key],
        set_={"request_hash": _row.excluded.request_hash, "created_at": func.now(), "made": null()},
        where=idempotency.is_expired(),
    ).returning(stored.user_id)
)
FIND = compiled(select(stored.request_hash, cast(stored.made["id"].astext, BigInteger).label("id")).where(*_this))
KEEP = compiled(update(stored).where(*_this).values(made=bindparam("made", type_=JSONB)))
FORGET = compiled(delete(stored).where(tuple_(stored.user_id, stored.mutation, stored.key).in_(idempotency.expired())))


def once(mutation: str, key: str | None, command: Command[Arguments, int]) -> Command[Arguments, int]:
    """`command`, which makes something and answers with its id, done once for this viewer, mutation and key.

    Without a key it is the command as it is. With one, it answers with the first id for 24 hours, before it judges its
    input, and may be repeated when it is not known whether it was stored. The arguments, dataclasses or JSON, are the
    input as the client sent it.

    Raises:
        Refused: the key is malformed, or stands for another input.
        InProgress: the first one is not done within two seconds.
    """
    if key is None:
        return command

    async def done_once(tx: Transaction, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> int:
        this = {"user_id": signed_in(tx.viewer), "mutation": mutation, "key": well_formed(key)}
        hashed = hash_of(args, kwargs)
        if not await is_first(tx, this, hashed):
            return await made_before(tx, this, hashed)
        made = await command(tx, *args, **kwargs)
        await tx.sql.run(KEEP, **this, made={"id": made})
        return made

    return done_once


def well_formed(key: str) -> str:
    if not KEY.fullmatch(key):
        message = "An idempotency key has 1 to 200 letters, digits and signs of ASCII, without spaces."
        raise Invalid(UserErrorCode.INVALID, message, ("idempotencyKey",), "^[!-~]{1,200}$")
    return key


def hash_of(*arguments: object) -> bytes:
    """SHA-256 of the input."""
    try:
        text = orjson.dumps(arguments, default=str, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # With escapes, because the input may hold what is no character.
        text = json.dumps(arguments, sort_keys=True, default=plain).encode("ascii")
    return hashlib.sha256(text).digest()


def plain(value: Any) -> Any:  # noqa: ANN401 - anything that an input may hold.
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


async def is_first(tx: Transaction, this: dict[str, Any], hashed: bytes) -> bool:
    """Take the key, until this transaction is rolled back. Whoever has it, not yet committed, is waited for.

    The wait ends with the `lock_timeout` of every writing connection, which is two seconds.
    """
    try:
        return await tx.sql.row(TAKE, **this, hash=hashed) is not None
    except Exception as error:
        if sqlstate_of(error) != LOCK_NOT_GRANTED:
            raise
        raise InProgress("The same request is still being worked on. Please try again.") from error


async def made_before(tx: Transaction, this: dict[str, Any], hashed: bytes) -> int:
    found = await tx.sql.row(FIND, **this)
    if bytes(found["request_hash"]) != hashed:
        message = "This idempotency key stands for another input already."
        raise Refused(UserErrorCode.IDEMPOTENCY_MISMATCH, message, ("idempotencyKey",))
    return int(found["id"])


async def forget_expired(tx: Transaction) -> int:
    """Delete up to 1,000 keys older than 24 hours, and return how many: a job calls it again while there are any."""
    return await tx.sql.run(FORGET, limit=FORGOTTEN)
