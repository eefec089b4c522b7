"""Global ids: opaque to clients, typed, so that the id of one thing is refused where another is meant."""

import base64
import binascii
import re
from binascii import b2a_base64
from collections.abc import Collection, Sequence
from typing import Any, cast

import strawberry

from feed_service.errors import BadUserInput

_PLAIN = re.compile(r"([A-Z][A-Za-z]{1,30}):([1-9][0-9]{0,18})")
_MAX_ID = 2**63 - 1


def encode(type_name: str, local_id: int) -> strawberry.ID:
    return strawberry.ID(base64.urlsafe_b64encode(f"{type_name}:{local_id}".encode()).rstrip(b"=").decode())


def ids_of(rows: Sequence[Any]) -> list[strawberry.ID]:
    """The global id of each row, whose class is called as its GraphQL type is. A feed asks for 200 of them."""
    plain = {kind: f"{kind.__name__}:%d".encode() for kind in set(map(type, rows))}
    # The characters in which the alphabet for addresses differs from the plain one never stand for a name and digits.
    lines = b"".join([b2a_base64(plain[type(row)] % row.id) for row in rows])
    return cast("list[strawberry.ID]", lines.translate(None, b"=").decode().split())


def decode(global_id: str) -> tuple[str, int]:
    """(type name, local id).

    Raises:
        BadUserInput: `encode` cannot have written it.
    """
    try:
        plain = base64.b64decode(
            global_id.encode("ascii") + b"=" * (-len(global_id) % 4), altchars=b"-_", validate=True
        ).decode("ascii")
    except (binascii.Error, UnicodeError):
        plain = ""
    match = _PLAIN.fullmatch(plain)
    if match is None or int(match[2]) > _MAX_ID or encode(match[1], int(match[2])) != global_id:
        raise BadUserInput("This is not an id of this service.")
    return match[1], int(match[2])


def decode_as(type_name: str, global_id: str) -> int:
    """The local id.

    Raises:
        BadUserInput: it is not an id, or one of another type.
    """
    found, local_id = decode(global_id)
    if found != type_name:
        raise BadUserInput(f"This is the id of a {found}, where that of a {type_name} is meant.")
    return local_id


def decode_among(global_id: str, type_names: Collection[str]) -> tuple[str, int]:
    """(type name, local id).

    Raises:
        BadUserInput: it is not an id, or one of a type that is not meant.
    """
    found, local_id = decode(global_id)
    if found not in type_names:
        raise BadUserInput(f"This is the id of a {found}, where that of a {' or '.join(type_names)} is meant.")
    return found, local_id
