"""The errors a caller can act on: one class, one stable code and one HTTP status each."""

from collections.abc import Sequence
from typing import ClassVar

from feed_service.vocabulary import UserErrorCode


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


class Forbidden(FeedError):
    """The viewer may see it, but not do this."""

    code = "FORBIDDEN"
    http_status = 403


class RateLimited(FeedError):
    """Too many of these in a short time; it can be tried again, in `retry_after_s` seconds if that is known."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class InProgress(FeedError):
    """The same request, under the same idempotency key, is still being worked on."""

    code = "IN_PROGRESS"
    http_status = 409


class Refused(FeedError):
    """What a user can understand or put right: told in the payload of a mutation, not among the errors of the answer.

    `field` is the path in the input that it concerns.
    """

    code = "REFUSED"
    http_status = 400

    def __init__(self, reason: UserErrorCode, message: str, field: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = tuple(field)


class Invalid(Refused):
    """A value that breaks a rule, which `constraint` states as code: `max=200`."""

    def __init__(self, reason: UserErrorCode, message: str, field: Sequence[str], constraint: str) -> None:
        super().__init__(reason, message, field)
        self.constraint = constraint


class VersionConflict(Refused):
    """Somebody has edited it meanwhile; `current` is the version that it has now."""

    def __init__(self, message: str, current: int) -> None:
        super().__init__(UserErrorCode.VERSION_CONFLICT, message, ("expectedVersion",))
        self.current = current


class ManyRefused(FeedError):
    """Several refusals at once, as of a form."""

    code = "REFUSED"
    http_status = 400

    def __init__(self, refusals: Sequence[Refused]) -> None:
        super().__init__("; ".join(str(refusal) for refusal in refusals))
        self.refusals = tuple(refusals)


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


class OutputLost(FeedError):
    """What a command writes cannot be written any further: the disk is full, or the reader has gone."""

    code = "OUTPUT_LOST"


class ConfigurationError(FeedError):
    """A setting, a folder or a server that the operator must correct before the service can start."""

    code = "CONFIGURATION"
