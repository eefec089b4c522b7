"""Fields that are resolved for a whole level at once: all rows in, one value for each out, in their order.

The compiled executor calls such a function with all rows that it has; the reference executor, which resolves one object
after the other, gathers them by a DataLoader. So both load the same, by the same code.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any, TypeAlias, TypeVar

import strawberry

from feed_service.schema.context import Info

Row = TypeVar("Row")
Rows: TypeAlias = Annotated[list[Row], "of one level"]

ROW: Any = strawberry.Parent[Any]  # type: ignore[misc]  # To mypy it is a plain alias.

Values: TypeAlias = Sequence[Any] | Callable[[], Awaitable[Sequence[Any]]]

Level = Callable[..., Values | Awaitable[Sequence[Any]]]
"""(rows, info if it takes one, arguments …) -> one value for each row: a coroutine function, or a plain one."""


def level(
    *,
    graphql_type: Any,  # noqa: ANN401 - a type of Strawberry.
    description: str,
    may_wait: bool = False,
) -> Callable[[Level], Any]:
    """Makes a function of a whole level a field of `graphql_type`, whose arguments are those of the function.

    A plain function that `may_wait` may answer with a coroutine function, which then gives the values: the compiled
    executor needs a task only where something has to be loaded.
    """

    def field(function: Level) -> Any:  # noqa: ANN401 - a field of Strawberry.
        return strawberry.field(resolver_of(function, may_wait), graphql_type=graphql_type, description=description)

    return field


def resolver_of(function: Level, may_wait: bool) -> Callable[..., Awaitable[Any]]:
    """What Strawberry takes for the resolver of one object. Its attributes are for `execution.fields`."""
    _rows, *further = inspect.signature(function).parameters.values()
    arguments = [parameter for parameter in further if parameter.name != "info"]
    takes_info = len(arguments) < len(further)

    async def resolver(**given: Any) -> Any:  # noqa: ANN401 - of any field.
        row, info = given.pop("row"), given.pop("info")
        # The nodes tell one field of the operation from another; all its rows share the arguments.
        place = (function, *map(id, info._raw_info.field_nodes))  # noqa: SLF001 - Strawberry has no name for them.
        keywords = given | {"info": info} if takes_info else given
        return await info.context.loaders.one_of_level(place, partial(answered, function, keywords), row)

    own = [
        inspect.Parameter("row", inspect.Parameter.KEYWORD_ONLY, annotation=ROW),
        inspect.Parameter("info", inspect.Parameter.KEYWORD_ONLY, annotation=Info),
    ]
    resolver.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*own, *(argument.replace(kind=inspect.Parameter.KEYWORD_ONLY) for argument in arguments)]
    )
    resolver.__annotations__ = {"row": ROW, "info": Info} | {
        argument.name: argument.annotation for argument in arguments
    }
    resolver.__module__, resolver.__name__ = function.__module__, function.__name__
    resolver.__qualname__, resolver.__doc__ = function.__qualname__, None
    resolver.of_level = function  # type: ignore[attr-defined]
    resolver.takes_info, resolver.may_wait = takes_info, may_wait  # type: ignore[attr-defined]
    return resolver


async def answered(function: Level, keywords: dict[str, Any], rows: list[Any]) -> Sequence[Any]:
    found: Any = function(rows, **keywords)
    if callable(found):
        found = found()
    return await found if inspect.isawaitable(found) else found  # type: ignore[no-any-return]
