"""Runs an operation on the reference executor, within the time that one request may take."""

import asyncio
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute

from feed_service.errors import FeedError, Timeout, Unavailable
from feed_service.execution.documents import Operation

TIME_LIMIT_S = 10


@dataclass(frozen=True)
class Outcome:
    """`has_started` is False if the variables did not fit, so that nothing ran and there is no `data` to answer with."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    has_started: bool


async def run(
    schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any] | None, context: object
) -> Outcome:
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            result = execute(
                schema,
                operation.document,
                variable_values=dict(variables or {}),
                operation_name=operation.name,
                context_value=context,
            )
            if inspect.isawaitable(result):
                result = await result
    except TimeoutError:
        return failed(Timeout(f"The answer took longer than {TIME_LIMIT_S} seconds."))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Not this request was cancelled but something it waited for; that must not lose the answer.
        return failed(Unavailable("A part of the answer was given up. Try again."))
    assert isinstance(result, ExecutionResult)  # noqa: S101 - incremental delivery is off.
    errors = list(result.errors or [])
    has_started = result.data is not None or any(error.path for error in errors)
    return Outcome(result.data, errors, has_started)


def failed(error: FeedError) -> Outcome:
    return Outcome(None, [GraphQLError(str(error), original_error=error)], has_started=True)
