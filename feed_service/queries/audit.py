"""The audit trail as it is read: event by event along the chains, about a subject, or of an actor."""

from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Select, Text, bindparam, exists, select, tuple_

from feed_service import models

Events = Select[*tuple[Any, ...]]

event, stream, key = models.AuditEvent, models.AuditStream, models.AuditKey

STREAM = (stream.length, stream.last_hash, stream.forgotten, stream.forgotten_hash)
LIMIT = bindparam("limit", type_=Integer)
SUBJECT_ID = bindparam("subject_id", type_=BigInteger)


def along_the_chains() -> Events:
    """(columns of an event, those of its stream): `:limit` after event `:number` of `:stream`, which was `:at` a time.

    A stream without a head has None for all of them.
    """
    place = (event.stream, event.number, event.at)
    moment = bindparam("at", type_=DateTime(timezone=True))
    after = tuple_(bindparam("stream", type_=Text), bindparam("number", type_=BigInteger), moment)
    return (
        select(*event.__table__.c, *STREAM)
        .outerjoin(stream, stream.name == event.stream)
        .where(tuple_(*place) > after)
        .order_by(*place)
        .limit(LIMIT)
    )


def heads() -> Events:
    """(name, its other columns, has_events) of `:limit` streams after `:name`."""
    has_events = exists().where(event.stream == stream.name).label("has_events")
    found = select(stream.name, *STREAM, has_events)
    return found.where(stream.name > bindparam("name", type_=Text)).order_by(stream.name).limit(LIMIT)


def at() -> Select[bytes]:
    """(hash,) of event `:number` of `:stream`."""
    here = (event.stream == bindparam("stream", type_=Text), event.number == bindparam("number", type_=BigInteger))
    return select(event.hash).where(*here)


def anchor() -> Events:
    """(forgotten, forgotten_hash) of `:stream`."""
    return select(stream.forgotten, stream.forgotten_hash).where(stream.name == bindparam("stream", type_=Text))


def about() -> Events:
    """(columns of an event, its owner's key): the newest `:limit` about `:subject_id` of `:subject_kind`."""
    kind = event.subject_kind == bindparam("subject_kind", type_=Text)
    newest_first = (event.at.desc(), event.stream, event.number.desc())
    return with_key().where(kind, event.subject_id == SUBJECT_ID).order_by(*newest_first).limit(LIMIT)


def of_stream() -> Events:
    """As `about`, of everything in `:stream`."""
    return with_key().where(event.stream == bindparam("stream", type_=Text)).order_by(event.number.desc()).limit(LIMIT)


def with_key() -> Events:
    return select(*event.__table__.c, key.key).outerjoin(key, key.user_id == event.owner_id)
