"""Requests that are refused before GraphQL is reached: one class, one code, one status and the headers it needs."""

from collections.abc import Mapping
from typing import ClassVar

from feed_service.errors import FeedError


class HttpRefusal(FeedError):
    """A refusal of HTTP, whose status no older client expects to be 200."""

    headers: ClassVar[Mapping[str, str]] = {}


class MethodNotAllowed(HttpRefusal):
    code = "METHOD_NOT_ALLOWED"
    http_status = 405
    headers: ClassVar[Mapping[str, str]] = {"Allow": "GET, POST"}


class OnlyGet(MethodNotAllowed):
    headers: ClassVar[Mapping[str, str]] = {"Allow": "GET"}


class MutationByGet(MethodNotAllowed):
    headers: ClassVar[Mapping[str, str]] = {"Allow": "POST"}


class NotAcceptable(HttpRefusal):
    code = "NOT_ACCEPTABLE"
    http_status = 406


class UnsupportedMediaType(HttpRefusal):
    code = "UNSUPPORTED_MEDIA_TYPE"
    http_status = 415
    headers: ClassVar[Mapping[str, str]] = {"Accept-Encoding": "identity"}


class BodyTooLarge(HttpRefusal):
    code = "BODY_TOO_LARGE"
    http_status = 413
    headers: ClassVar[Mapping[str, str]] = {"Connection": "close"}


class BodyTooSlow(HttpRefusal):
    code = "TIMEOUT"
    http_status = 408
    headers: ClassVar[Mapping[str, str]] = {"Connection": "close"}


class PersistedQueryNotFound(HttpRefusal):
    """The links of Apollo and urql then send the document with its hash; they look for this code or this message."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    http_status = 200
