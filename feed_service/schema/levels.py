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

Level = Callable[..., Awaitable[Sequence[Any]]]
"""(rows, info, arguments …) -> one value for each row."""


def level(*, graphql_type: Any, description: str) -> Callable[[Level], Any]:  # noqa: ANN401 - a type, and a field.
    """Makes a function of a whole level a field of `graphql_type`, whose arguments are those of the function."""

    def field(function: Level) -> Any:  # noqa: ANN401 - a field of Strawberry.
        return strawberry.field(resolver_of(function), graphql_type=graphql_type, description=description)

    return field


def resolver_of(function: Level) -> Callable[..., Awaitable[Any]]:
    """What Strawberry takes for the resolver of one object. `execution.fields` knows the function by `of_level`."""
    parameters = inspect.signature(function).parameters
    _row, info, *arguments = parameters.values()
    assert info.name == "info"  # noqa: S101 - so that both executors can name it.

    async def resolver(**given: Any) -> Any:  # noqa: ANN401 - of any field.
        asked = given["info"]
        # The nodes tell one field of the operation from another; all its rows share the arguments.
        place = (function, *map(id, asked._raw_info.field_nodes))  # noqa: SLF001 - Strawberry has no name for them.
        row_of, rest = given.pop("row"), given
        return await asked.context.loaders.one_of_level(place, partial(function, **rest), row_of)

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
    return resolver
