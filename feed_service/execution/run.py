"""Runs a prepared operation, within a time, and turns every error into one that the caller may see."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLFormattedError,
    GraphQLSchema,
    execute_root_selection_set,
)
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.execution import optimized_is_awaitable

from feed_service.errors import FeedError, RateLimited, Unavailable
from feed_service.execution.documents import Operation
from feed_service.execution.faults import TIMEOUT, is_cancelled_from_outside, revealed
from feed_service.execution.refusals import MAX_ERRORS, OperationRefused, VariablesRefused

log = logging.getLogger(__name__)

TIME_LIMIT_S = 10.0


NULL_WHERE_NONE_MAY_BE = "Cannot return null for non-nullable field"


class Torn(Exception):
    """Something was hidden between two statements, and is missing where there must be something: worth another run."""


@dataclass(frozen=True)
class Answer:
    """An operation that ran. `errors` are those of single fields; `data` is None when one of them left nothing over."""

    data: dict[str, Any] | None
    errors: list[GraphQLFormattedError]
    extensions: dict[str, Any] | None = None


async def run(
    schema: GraphQLSchema,
    operation: Operation,
    *,
    variables: dict[str, Any],
    context: object,
    request_id: str,
    time_limit_s: float = TIME_LIMIT_S,
    refuses_torn: bool = False,
    build: Callable[..., Executor[Any] | list[GraphQLError]] = Executor.build,
    middleware: Callable[..., Any] | None = None,
) -> Answer:
    """The answer of the reference executor, also when fields failed.

    `schema` is the graphql-core schema inside Strawberry's. `strawberry.Schema.execute` would parse and validate again,
    and run the first of several operations; what it adds is for its extensions, and we have none.

    Raises:
        VariablesRefused: `variables` do not fit the operation; nothing was executed.
        Timeout: it took longer than one request may.
        Unavailable: it was interrupted from within.
        Torn: only if it `refuses_torn`.
    """
    executor = build(
        schema,
        operation.document,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation.name,
        max_coercion_errors=MAX_ERRORS,
        is_awaitable=optimized_is_awaitable,
        middleware=middleware and (middleware,),
    )
    if isinstance(executor, list):
        raise VariablesRefused(*executor)
    result = await result_of(executor, time_limit_s)
    if refuses_torn and any(is_torn(error) for error in result.errors or ()):
        raise Torn
    return Answer(result.data, formatted_errors(result.errors or (), request_id))


async def result_of(executor: Executor[Any], time_limit_s: float) -> ExecutionResult:
    try:
        async with asyncio.timeout(time_limit_s):
            result = execute_root_selection_set(executor)
            return result if isinstance(result, ExecutionResult) else await result
    except TimeoutError:
        raise TIMEOUT from None
    except asyncio.CancelledError:
        if is_cancelled_from_outside():
            raise
        # graphql-core 3.3 cancels the siblings of a failed non-null field, and what they share with other fields
        # may end cancelled too. Nobody has cancelled this request: it deserves an answer.
        log.warning("An operation was cancelled from within", exc_info=True)
        raise Unavailable("The request was interrupted. Please try again.") from None


def formatted_errors(errors: Iterable[GraphQLError], request_id: str) -> list[GraphQLFormattedError]:
    """The first errors as the caller sees them. One fault that hit many fields is logged once."""
    seen: dict[int, FeedError] = {}
    answers = []
    for error in list(errors)[:MAX_ERRORS]:
        cause = root_cause(error)
        if id(cause) not in seen:
            seen[id(cause)] = public(cause, request_id)
        answers.append(formatted(error, seen[id(cause)], request_id))
    return answers


def is_torn(error: GraphQLError) -> bool:
    cause = root_cause(error)
    return isinstance(cause, TypeError) and str(cause).startswith(NULL_WHERE_NONE_MAY_BE)


def root_cause(error: GraphQLError) -> BaseException:
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def public(cause: BaseException, request_id: str) -> FeedError:
    """Errors of graphql-core point at the argument they refuse; one without a place tells of a bad value of ours."""
    if isinstance(cause, StrawberryInputCoercionError) or (isinstance(cause, GraphQLError) and cause.nodes):
        return VariablesRefused(cause)
    return revealed(cause, request_id)


def formatted(error: GraphQLError, shown: FeedError, request_id: str) -> GraphQLFormattedError:
    placed = GraphQLError(str(shown), error.nodes, path=error.path, extensions=extensions(shown, request_id))
    return placed.formatted


def refusal_errors(refusal: FeedError, request_id: str) -> list[GraphQLFormattedError]:
    """The errors of a request that was not executed."""
    shown = refusal.errors if isinstance(refusal, OperationRefused) else [GraphQLError(str(refusal))]
    answers = [error.formatted for error in shown[:MAX_ERRORS]]
    for answer in answers:
        answer["extensions"] = extensions(refusal, request_id)
    return answers


def extensions(shown: FeedError, request_id: str) -> dict[str, Any]:
    known: dict[str, Any] = {"code": shown.code}
    if shown.code == "INTERNAL":
        known["requestId"] = request_id
    if isinstance(shown, RateLimited) and shown.retry_after_s is not None:
        known["retryAfterSeconds"] = shown.retry_after_s
    return known
