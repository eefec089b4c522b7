"""What an exception is to the client: a stable code for what has one, a mask and a log entry for everything else."""

import asyncio
import logging
from typing import Any

from graphql import GraphQLError
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from feed_service.errors import BadUserInput, FeedError, Overloaded, Timeout, Unavailable

logger = logging.getLogger("feed_service.errors")

MAX_ERRORS = 5
"""Errors that one answer holds; more say nothing new."""

BY_SQLSTATE: dict[str, FeedError] = {
    "08": Unavailable("The database cannot be reached at the moment. Try again."),
    "53": Overloaded("The database is overloaded at the moment. Try again later."),
    "57014": Timeout("A part of the answer took too long."),
    "57P": Unavailable("The database is being restarted. Try again."),
    "25006": Unavailable("The database takes no writes at the moment. Try again."),
    "40": Unavailable("The answer collided with another one. Try again."),
    "22021": BadUserInput("A text holds a character that cannot be stored."),
}
"""By SQLSTATE, or its beginning."""


def cause_of(error: BaseException | None) -> FeedError | None:
    """The error that the client may know of; None for one that must be masked."""
    if isinstance(error, FeedError):
        return error
    if isinstance(error, PoolTimeout):
        return Overloaded("The service is overloaded at the moment. Try again later.")
    if isinstance(error, asyncio.CancelledError):
        return Unavailable("The request was given up.")
    if isinstance(error, InterfaceError | OSError):
        return Unavailable("The database cannot be reached at the moment. Try again.")
    if isinstance(error, DBAPIError):
        state = str(getattr(error.driver_exception, "sqlstate", None) or "08")
        return next((found for length in (5, 3, 2) if (found := BY_SQLSTATE.get(state[:length]))), None)
    return None


def formatted(errors: list[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """The errors as an answer holds them, each with `extensions.code`; unexpected ones are logged here, once."""
    return [_formatted(error, request_id) for error in errors[:MAX_ERRORS]]


def _formatted(error: GraphQLError, request_id: str) -> dict[str, Any]:
    original = error.original_error
    # Without an original error it is graphql-core's own: an argument or a variable that does not fit its type.
    cause = BadUserInput(error.message) if original is None else cause_of(original)
    answer: dict[str, Any] = {"message": str(cause) if cause else "Something went wrong here; it has been logged."}
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    answer["extensions"] = {"code": cause.code if cause else "INTERNAL", "requestId": request_id}
    if cause is None:
        logger.error("A resolver failed, request %s, path %s", request_id, error.path, exc_info=original)
    return answer


def status_of(errors: list[GraphQLError]) -> int:
    """The HTTP status of an answer without data."""
    cause = BadUserInput("") if errors[0].original_error is None else cause_of(errors[0].original_error)
    return cause.http_status if cause else 500
