"""Appends to the audit trail: one chain of hashes per actor, personal data encrypted with their owner's own key."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import bindparam, insert, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from feed_service import models
from feed_service.transactions import Statements, compiled

KEY_BITS = 256
NONCE_BYTES = 12

SYSTEM = "system"
"""The stream of what nobody in particular does: jobs and commands of the operator."""

CHAINED = (
    "stream",
    "number",
    "at",
    "actor_id",
    "action",
    "subject_kind",
    "subject_id",
    "request_id",
    "facts",
    "owner_id",
)


@dataclass(frozen=True)
class AuditEvent:
    """What was done to whom. `private` is personal data, readable while `owner_id`, whose data they are, has a key.

    `facts` and `private` are JSON; `facts` must not hold what a person wrote or is called.
    """

    action: str
    subject_kind: str
    subject_id: int | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    owner_id: int | None = None
    private: Mapping[str, Any] | None = None


_stream = upsert(models.AuditStream).values(name=bindparam("name"), length=bindparam("n"))
EXTEND_STREAM = compiled(
    _stream.on_conflict_do_update(
        index_elements=["name"], set_={"length": models.AuditStream.length + _stream.excluded.length}
    ).returning(models.AuditStream.length, models.AuditStream.last_hash)
)
_key = upsert(models.AuditKey).values(user_id=bindparam("user_id"), key=bindparam("key"))
NEW_KEY = compiled(_key.on_conflict_do_nothing())
KEY = compiled(select(models.AuditKey.key).where(models.AuditKey.user_id == bindparam("user_id")))
_shredded = upsert(models.AuditKey).values(user_id=bindparam("user_id"), key=null())
SHRED = compiled(_shredded.on_conflict_do_update(index_elements=["user_id"], set_={"key": null()}))
_stored = insert(models.AuditEvent).values({name: bindparam(name) for name in (*CHAINED, "private", "hash")})
_end = update(models.AuditStream).where(models.AuditStream.name == bindparam("stream"))
APPEND = compiled(_stored)
APPEND_LAST = compiled(_stored.add_cte(_end.values(last_hash=bindparam("hash")).cte("ended")))


async def append(sql: Statements, actor_id: int | None, request_id: str, events: Sequence[AuditEvent]) -> None:
    """Add `events` to the actor's stream. It is locked from here to the commit, so this comes late."""
    stream = stream_of(actor_id)
    sealed = [await _sealed(sql, event) for event in events]
    end = await sql.row(EXTEND_STREAM, name=stream, n=len(events))
    number, last_hash, now = end["length"] - len(events), end["last_hash"], datetime.now(UTC)
    for event, private in zip(events, sealed, strict=True):
        number += 1
        row = {
            "stream": stream, "number": number, "at": now, "actor_id": actor_id, "action": event.action,
            "subject_kind": event.subject_kind, "subject_id": event.subject_id, "request_id": request_id,
            "facts": dict(event.facts), "owner_id": event.owner_id, "private": private,
        }  # fmt: skip
        last_hash = chained(row, last_hash)
        await sql.run(APPEND_LAST if number == end["length"] else APPEND, **row, hash=last_hash)


def stream_of(actor_id: int | None) -> str:
    return SYSTEM if actor_id is None else f"user:{actor_id}"


def chained(row: Mapping[str, Any], last_hash: bytes) -> bytes:
    """SHA-256 over the event and the hash before it."""
    text = orjson.dumps([row[name] for name in CHAINED], option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    return hashlib.sha256(last_hash + text + (row["private"] or b"")).digest()


async def shred(sql: Statements, user_id: int) -> None:
    """Make a person's data in the trail unreadable, and keep none from now on. The chains stay whole."""
    await sql.run(SHRED, user_id=user_id)


def unsealed(private: bytes, key: bytes) -> dict[str, Any]:
    """The personal data of an event, by the key of whose they are."""
    plain = AESGCM(key).decrypt(private[:NONCE_BYTES], private[NONCE_BYTES:], None)
    found: dict[str, Any] = orjson.loads(plain)
    return found


async def _sealed(sql: Statements, event: AuditEvent) -> bytes | None:
    if event.private is None or event.owner_id is None:
        return None
    key = await _key_of(sql, event.owner_id)
    if key is None:
        return None
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, orjson.dumps(event.private), None)


async def _key_of(sql: Statements, user_id: int) -> bytes | None:
    """None for somebody whose data are not kept any more."""
    found = await sql.row(KEY, user_id=user_id)
    if found is None:
        await sql.run(NEW_KEY, user_id=user_id, key=AESGCM.generate_key(KEY_BITS))
        found = await sql.row(KEY, user_id=user_id)
    key: bytes | None = found["key"]
    return key
