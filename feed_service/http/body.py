"""The one place where bytes become a request: size, time, encoding, JSON and the types of its members."""

import asyncio
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from feed_service.errors import BadUserInput
from feed_service.http.refusals import BodyTooLarge, BodyTooSlow, PersistedQueriesUnknown

MAX_BYTES = 100_000
MAX_NESTING = 64
READ_WITHIN_S = 10.0


@dataclass(frozen=True)
class GraphQLRequest:
    query: str
    variables: dict[str, Any]
    operation_name: str | None


async def read_body(request: Request) -> bytes:
    """The body of `request`.

    Raises:
        BodyTooLarge: it is over 100 kB, as announced or as received.
        BodyTooSlow: it has not arrived within ten seconds.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BYTES:
        raise too_large()
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            async for chunk in request.stream():
                chunks.append(chunk)
                if sum(map(len, chunks)) > MAX_BYTES:
                    raise too_large()
    except TimeoutError:
        raise BodyTooSlow("The body of the request did not arrive in time.") from None
    return b"".join(chunks)


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
    if query is None and isinstance(extensions, dict) and "persistedQuery" in extensions:
        raise PersistedQueriesUnknown("PersistedQueryNotSupported")
    if not isinstance(query, str):
        refuse("A request needs a query, which is a text.")
    if not isinstance(variables, dict | None):
        refuse("The variables must be a JSON object.")
    if not isinstance(operation_name, str | None):
        refuse("The operationName must be a text.")
    if not isinstance(extensions, dict | None):
        refuse("The extensions must be a JSON object.")
    check_values(variables)
    return GraphQLRequest(query, variables or {}, operation_name or None)


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
