"""What the headers of a request say, read in one go: Starlette's `Request` costs more than all that is asked of it."""

from typing import NamedTuple, Self

from starlette.types import Scope

from feed_service.http.headers import new_or_given

ONCE = frozenset(
    {
        b"accept-encoding",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"feed-consistency",
        b"traceparent",
    }
)
"""Headers of which the first one counts."""


class Heard(NamedTuple):
    """Empty for what was not said."""

    method: str
    query_string: bytes
    request_id: str
    accept: list[str]
    authorization: list[str]
    if_none_match: list[str]
    accept_encoding: str
    content_encoding: str
    content_length: str
    content_type: str
    consistency: str
    traceparent: str

    @classmethod
    def of(cls, scope: Scope) -> Self:
        accept: list[str] = []
        authorization: list[str] = []
        if_none_match: list[str] = []
        found: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name in ONCE:
                found.setdefault(name, value.decode("latin-1"))
            elif name == b"accept":
                accept.append(value.decode("latin-1"))
            elif name == b"authorization":
                authorization.append(value.decode("latin-1"))
            elif name == b"if-none-match":
                if_none_match.append(value.decode("latin-1"))
        # In the order of their names, as the members are.
        once = [found.get(name, "") for name in IN_ORDER]
        return cls(
            scope["method"], scope["query_string"], request_id_of(scope), accept, authorization, if_none_match, *once
        )

    @property
    def is_get(self) -> bool:
        return self.method == "GET"

    @property
    def takes_gzip(self) -> bool:
        return "gzip" in self.accept_encoding


IN_ORDER = sorted(ONCE)


def request_id_of(scope: Scope) -> str:
    """The one that a middleware has given, or a new one."""
    given = scope.get("state", {}).get("request_id")
    return str(given) if given else new_or_given(scope)
