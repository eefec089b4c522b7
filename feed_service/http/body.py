"""The one place where bytes become a request: size, time, encoding, JSON and the types of its members."""

import asyncio
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive

from feed_service.errors import BadUserInput
from feed_service.http.refusals import BodyTooLarge, BodyTooSlow

MAX_BYTES = 100_000
MAX_NESTING = 64
MAX_ID_LENGTH = 200
READ_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The document is sent as `query`, named by `sha256` or `document_id`, or both; at least one is there.

    `document_id` is a trusted document's, `sha256` the hash in Apollo's extension `persistedQuery`.
    """

    query: str | None
    variables: dict[str, Any]
    operation_name: str | None
    document_id: str | None = None
    sha256: str | None = None


class Gone(Exception):
    """The client has hung up before it had said everything."""


async def read_body(announced: str, receive: Receive) -> bytes:
    """The body of a request that has `announced` so many bytes, if anything.

    Raises:
        BodyTooLarge: it is over 100 kB, as announced or as received.
        BodyTooSlow: it has not arrived within ten seconds.
        Gone: nobody waits for an answer.
    """
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BYTES:
        raise too_large()
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            return await _whole(receive)
    except TimeoutError:
        raise BodyTooSlow("The body of the request did not arrive in time.") from None


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, is_complete = 0, False
    while not is_complete:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BYTES:
            raise too_large()
        is_complete = not message.get("more_body")
    return b"".join(parts)


def too_large() -> BodyTooLarge:
    return BodyTooLarge(f"A request may have up to {MAX_BYTES:,} bytes.")


def request_from_json(body: bytes) -> GraphQLRequest:
    """Raises BadUserInput for what is no GraphQL request. orjson takes no NaN, no lone surrogate and no bad UTF-8."""
    document = loaded(body, "The body")
    if isinstance(document, list):
        refuse("Batches are not supported: send one operation per request.")
    if not isinstance(document, dict):
        refuse("The body must be a JSON object with a query.")
    return request_of(document)


def request_from_query_string(query_string: bytes) -> GraphQLRequest:
    if len(query_string) > MAX_BYTES:
        raise too_large()
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        refuse("The query string is not valid.")
    members: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if name in members:
            members[name] = loaded(members[name].encode(), f"The parameter {name}") if members[name] else None
    return request_of(members)


def request_of(members: dict[str, Any]) -> GraphQLRequest:
    query, variables = members.get("query"), members.get("variables")
    operation_name, extensions = members.get("operationName"), members.get("extensions")
    document_id = members.get("documentId") or members.get("id")
    if not isinstance(variables, dict | None):
        refuse("The variables must be a JSON object.")
    if not isinstance(operation_name, str | None):
        refuse("The operationName must be a text.")
    if not isinstance(extensions, dict | None):
        refuse("The extensions must be a JSON object.")
    sha256 = sha256_in(extensions or {})
    if not isinstance(document_id, str | None) or len(document_id or "") > MAX_ID_LENGTH:
        refuse(f"The documentId must be a text of up to {MAX_ID_LENGTH} characters.")
    if not isinstance(query, str) and (query is not None or not (document_id or sha256)):
        refuse("A request needs a query, which is a text, or the name of a persisted one.")
    check_values(variables)
    return GraphQLRequest(query, variables or {}, operation_name or None, document_id, sha256)


def sha256_in(extensions: dict[str, Any]) -> str | None:
    """The hash of Apollo's protocol for persisted queries, None where it is not spoken."""
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict) or persisted.get("version") != 1 or isinstance(persisted["version"], bool):
        refuse("Persisted queries are spoken in version 1.")
    sha256 = persisted.get("sha256Hash")
    if not isinstance(sha256, str) or not 0 < len(sha256) <= MAX_ID_LENGTH:
        refuse("A persistedQuery needs its sha256Hash.")
    return sha256


def loaded(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        refuse(f"{what} is not valid JSON in UTF-8: {error.msg}.")


def check_values(values: object) -> None:
    """No NUL, which PostgreSQL refuses, and no nesting that something behind us would have to climb."""
    level = [values]
    for _ in range(MAX_NESTING):
        if not level:
            return
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and "\x00" in value:
                refuse("A text in the variables holds a NUL character.")
        level = below
    refuse(f"The variables are nested more than {MAX_NESTING} levels deep.")


def refuse(sentence: str) -> NoReturn:
    raise BadUserInput(sentence)
