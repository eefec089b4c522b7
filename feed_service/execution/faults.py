"""From an exception to what the caller may know of it: one table, and a mask for everything that is not in it."""

import asyncio
import logging

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from feed_service.errors import FeedError, Overloaded, Timeout, Unavailable

log = logging.getLogger(__name__)

UNAVAILABLE = Unavailable("The database cannot be reached at the moment. Please try again.")
OVERLOADED = Overloaded("The service is busy at the moment. Please try again in a few seconds.")
TIMEOUT = Timeout("The answer took too long. Ask for less, or try again.")

BY_SQLSTATE = {
    "08": UNAVAILABLE,  # connection exceptions
    "25006": UNAVAILABLE,  # read-only: the primary has become a standby
    "40001": UNAVAILABLE,  # serialization failure
    "40P01": UNAVAILABLE,  # deadlock
    "53": OVERLOADED,  # connections, memory or disk used up
    "55P03": OVERLOADED,  # a lock was not granted in time
    "57014": TIMEOUT,  # statement_timeout
    "57P0": UNAVAILABLE,  # terminated, shutting down, starting up
}


class Masked(FeedError):
    """Something nobody foresaw. The log has it, under the request id."""

    code = "INTERNAL"
    http_status = 500


def revealed(fault: BaseException, request_id: str) -> FeedError:
    """The error for the caller. What the table does not know is logged here, once, with its traceback."""
    if isinstance(fault, FeedError):
        return fault
    known = known_fault(fault)
    if known is not None:
        log.warning("request %s: %s: %s", request_id, known.code, type(driver_error(fault)).__name__)
        return known
    log.error("request %s failed", request_id, exc_info=fault)
    return Masked(f"Something went wrong. The request id for a report is {request_id}.")


def known_fault(fault: BaseException) -> FeedError | None:
    if isinstance(fault, PoolTimeout):
        return OVERLOADED
    sqlstate = getattr(driver_error(fault), "sqlstate", None) or ""
    for length in (5, 4, 2):
        if sqlstate[:length] in BY_SQLSTATE:
            return BY_SQLSTATE[sqlstate[:length]]
    is_lost = isinstance(fault, OSError) or (isinstance(fault, DBAPIError) and fault.connection_invalidated)
    return UNAVAILABLE if is_lost else None


def driver_error(fault: BaseException) -> BaseException:
    """The error of asyncpg inside one of SQLAlchemy."""
    return fault.driver_exception if isinstance(fault, DBAPIError) else fault


def is_cancelled_from_outside() -> bool:
    """Of a CancelledError: whether somebody wants this task to end, or something that it waited for was cancelled."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
