"""The errors a caller can act on: one class, one stable code and one HTTP status each."""

from typing import ClassVar


class FeedError(Exception):
    """An error whose message is written for the caller and holds no secret."""

    code: ClassVar[str] = "INTERNAL"
    http_status: ClassVar[int] = 500


class BadUserInput(FeedError):
    """A value of the right type that makes no sense: a page of 0 items, a foreign id."""

    code = "BAD_USER_INPUT"
    http_status = 400


class InvalidCursor(FeedError):
    """A cursor that this service did not issue, or issued for another list or order."""

    code = "INVALID_CURSOR"
    http_status = 400


class Unauthenticated(FeedError):
    """The token is missing where one is needed, malformed, expired, or its user is gone."""

    code = "UNAUTHENTICATED"
    http_status = 401


class NotFound(FeedError):
    """There is no such thing, or none that this viewer can see; the answers do not differ."""

    code = "NOT_FOUND"
    http_status = 404


class Timeout(FeedError):
    """The answer took longer than the service allows one request."""

    code = "TIMEOUT"
    http_status = 504


class Overloaded(FeedError):
    """There is too much to do at the moment; the request can be sent again later."""

    code = "OVERLOADED"
    http_status = 503


class QueryTooCostly(FeedError):
    """The operation is larger than the service allows: too deep, too wide, too many aliases."""

    code = "QUERY_TOO_COSTLY"
    http_status = 400


class Unavailable(FeedError):
    """The database cannot be reached at the moment; the request can be sent again."""

    code = "UNAVAILABLE"
    http_status = 503


class ConfigurationError(FeedError):
    """A setting, a folder or a server that the operator must correct before the service can start."""

    code = "CONFIGURATION"
