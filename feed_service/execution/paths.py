"""Which executor runs an operation: the compiled one where it can, the reference executor for everything else.

What goes wrong in the compiled one is run again by the reference executor, from the beginning, in a context of its own:
a query changes nothing. A mutation has its root on the reference executor, and is compiled below it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import isawaitable
from time import perf_counter
from typing import Any, Generic, TypeVar

from graphql import (
    Executor,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from feed_service.errors import FeedError, Overloaded, Unavailable
from feed_service.execution.compiled import completed, data_of
from feed_service.execution.documents import Operation
from feed_service.execution.faults import TIMEOUT, is_cancelled_from_outside
from feed_service.execution.fields import Uncompiled
from feed_service.execution.plans import Plan, Plans, Selection
from feed_service.execution.run import TIME_LIMIT_S, Answer, Torn, run
from feed_service.metering import Meters, Repeat
from feed_service.observability import Metrics, OperationMeter
from feed_service.watching import AT, WATCH, Watch

log = logging.getLogger(__name__)

MOST_OF_NAME = 100
"""Characters of an operation's name by which it is known to log, spans and metrics: clients may send 100,000."""

Context = TypeVar("Context")
Build = Callable[..., Executor[Any] | list[GraphQLError]]


class Broken(Exception):
    """The compiled executor gave up; its cause says why."""


@dataclass(frozen=True)
class Asked(Generic[Context]):
    """One request to run an operation. `context_of` makes what resolvers find as `info.context`, new for each run."""

    operation: Operation
    variables: dict[str, Any]
    context_of: Callable[[], Context]
    request_id: str = ""
    time_limit_s: float = TIME_LIMIT_S


class Execution:
    """Runs operations on `schema`, the graphql-core one inside Strawberry's: by `plans`, if there are any.

    `is_development`: an operation that runs a statement for each row is told so, in its answer and in the log.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        plans: Plans | None = None,
        meter: OperationMeter | None = None,
        meters: Meters | None = None,
        *,
        is_development: bool = True,
    ) -> None:
        self.schema = schema
        self.plans = plans
        self._meter = meter or Metrics().operations
        self._meters = meters or Meters()
        self._middleware = at_path if is_development else None

    async def run(self, asked: Asked[Context]) -> tuple[Context, Answer]:
        """The answer, and the context that it was made in. Every statement of a query sees what is committed by then.

        Raises:
            VariablesRefused: the variables do not fit the operation; nothing was executed.
            Timeout: it took longer than one request may.
            Overloaded: the compiled executor found no room for it.
            Unavailable: it was interrupted from within.
        """
        watch = WATCH.get()
        if watch is not None:
            return await self._watched(asked, watch)
        was = WATCH.set(watch := Watch(asked.request_id))
        try:
            return await self._watched(asked, watch)
        finally:
            WATCH.reset(was)

    async def _watched(self, asked: Asked[Context], watch: Watch) -> tuple[Context, Answer]:
        watch.operation, started = (asked.operation.name or "")[:MOST_OF_NAME] or None, perf_counter()
        try:
            if self._meters.spans is None:
                context, answer = await self._told(asked, watch)
            else:
                with self._meters.spans.operation(watch):
                    context, answer = await self._told(asked, watch)
        finally:
            repeated = self._meters.operation(watch, perf_counter() - started)
        if repeated and self._middleware is not None:
            answer = replace(answer, extensions={"repeated": told(watch, repeated)})
        return context, answer

    async def _told(self, asked: Asked[Context], watch: Watch) -> tuple[Context, Answer]:
        """With the codes of what went wrong in `watch`."""
        try:
            context, answer = await self._run(asked)
        except FeedError as refusal:
            watch.codes = [refusal.code]
            raise
        except BaseException:
            watch.codes = [Unavailable.code]
            raise
        watch.codes = [str(error["extensions"]["code"]) for error in answer.errors]
        return context, answer

    async def _run(self, asked: Asked[Context]) -> tuple[Context, Answer]:
        if self.plans is None:
            return await self._by_reference(asked, "off")
        try:
            plan, values = self.plans.plan(asked.operation, asked.variables)
        except Uncompiled as reason:
            return await self._by_reference(asked, str(reason))
        if plan.root is None:
            self._meter.compiled()
            return await self._referred(asked, build=partial(Payloads.build, plan=plan))
        try:
            found = await self._by_plan(asked, plan, plan.root, values)
        except Broken as broken:
            context, answer = await self._by_reference(asked, "error", refuses_torn=False)
            if not answer.errors:
                log.info("request %s: only the compiled executor failed", asked.request_id, exc_info=broken.__cause__)
            return context, answer
        self._meter.compiled()
        return found

    async def _by_plan(
        self, asked: Asked[Context], plan: Plan, root: Selection, values: VariableValues
    ) -> tuple[Context, Answer]:
        """Raises Broken, or Timeout."""
        context = asked.context_of()
        try:
            async with asyncio.timeout(asked.time_limit_s):
                return context, Answer(await data_of(root, plan.request(values, context)), [])
        except TimeoutError:
            raise TIMEOUT from None
        except asyncio.CancelledError as cancelled:
            if is_cancelled_from_outside():
                raise
            raise Broken from cancelled
        except Exception as error:
            if overload := overload_in(error):
                # To run it again would cost most when the service has least to give.
                raise overload from None
            raise Broken from error

    async def _by_reference(
        self, asked: Asked[Context], reason: str, *, refuses_torn: bool = True
    ) -> tuple[Context, Answer]:
        """A query that was torn is run once more; a mutation never."""
        self._meter.reference(reason)
        try:
            return await self._referred(asked, refuses_torn=refuses_torn and asked.operation.is_query)
        except Torn:
            return await self._referred(asked)

    async def _referred(
        self, asked: Asked[Context], *, refuses_torn: bool = False, build: Build = Executor.build
    ) -> tuple[Context, Answer]:
        context = asked.context_of()
        answer = await run(
            self.schema,
            asked.operation,
            variables=asked.variables,
            context=context,
            request_id=asked.request_id,
            time_limit_s=asked.time_limit_s,
            refuses_torn=refuses_torn,
            build=build,
            middleware=self._middleware,
        )
        return context, answer


def at_path(resolve: Callable[..., Any], row: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:  # noqa: ANN401
    """A middleware of the reference executor by which statements know who asks for them: too slow to serve with."""
    path = ".".join(key for key in info.path.as_list() if isinstance(key, str))
    AT.set(path)
    value = resolve(row, info, **arguments)
    return awaited(value, path) if isawaitable(value) else value


async def awaited(value: Awaitable[Any], path: str) -> Any:  # noqa: ANN401 - of any field.
    """In the task that awaits it, which began elsewhere."""
    AT.set(path)
    return await value


def told(watch: Watch, repeated: Sequence[Repeat]) -> list[dict[str, Any]]:
    """For who develops: which field runs which statement how often. Also a warning in the log."""
    for tally, path, times in repeated:
        log.warning(
            "N+1: %s runs %s %d times for %s.", watch.operation or "An operation", tally.name, times, path or "no field"
        )
    return [{"statement": tally.name, "path": path, "times": times} for tally, path, times in repeated]


def overload_in(error: BaseException) -> Overloaded | None:
    """That there was no room for the operation, alone or in a group of errors."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := overload_in(one))), None)
    return error if isinstance(error, Overloaded) else None


class Payloads(Executor[Any]):
    """The reference executor of a mutation, which leaves what its root fields return to a plan.

    If the plan fails, the value that the resolver returned is completed here: nothing is written twice.
    """

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:  # noqa: ANN401 - graphql-core's own.
        super().__init__(*args, **kwargs)
        self._plan = plan

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,  # noqa: ANN401 - of any resolver.
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,  # noqa: ANN401 - graphql-core's own.
    ) -> Any:  # noqa: ANN401 - the completed value, or a coroutine of it.
        """Fields of the root come one after the other: several that write are not one that writes for each row."""
        if path.prev is None:
            AT.set(str(path.key))
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,  # noqa: ANN401 - of any resolver.
        position_context: Any,  # noqa: ANN401 - graphql-core's own.
    ) -> Any:  # noqa: ANN401 - the completed value, or a coroutine of it.
        here = partial(super().complete_value, return_type, field_details_list, info, path, result, position_context)
        if path.prev is not None or self.is_awaitable(result):
            return here()
        return self._by_plan(return_type, field_details_list, result, here)

    async def _by_plan(
        self,
        type_: GraphQLOutputType,
        details: FieldDetailsList,
        result: Any,  # noqa: ANN401 - as above.
        here: Callable[[], Any],
    ) -> Any:  # noqa: ANN401 - as above.
        try:
            shape = self._plan.payload(details[0].node, type_, details)
            return await completed(shape, result, self._plan.request(self.variable_values, self.context_value))
        except Exception:
            log.debug("a payload could not be completed by its plan", exc_info=True)
        found = here()
        return await found if self.is_awaitable(found) else found
