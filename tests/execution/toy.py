"""A schema that holds one of every kind of field and of value, good and bad, and a way to ask both executors."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from math import inf, nan
from typing import Annotated, Any, NewType, cast

import orjson
import strawberry
from prometheus_client import CollectorRegistry
from strawberry import Info
from strawberry.schema.config import StrawberryConfig

from feed_service.errors import FeedError, NotFound
from feed_service.execution.documents import Documents
from feed_service.execution.limits import Limits
from feed_service.execution.paths import Asked, Execution
from feed_service.execution.plans import Plans
from feed_service.execution.run import refusal_errors
from feed_service.http.graphql import body_of
from feed_service.loaders.batching import Loaders, Reader
from feed_service.observability import OperationMeter
from feed_service.schema.levels import level

Even = NewType("Even", int)


def even(value: int) -> int:
    """Raises ValueError for odd ones; both ways."""
    if value % 2:
        raise ValueError("It is odd.")
    return value


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"
    GREEN = strawberry.enum_value("green", name="VERDANT")


@dataclass
class Toys:
    """The context. `calls` counts the calls of functions of a level, with how many rows each had."""

    loaders: Loaders = field(default_factory=lambda: Loaders(cast("Reader", None)))
    calls: list[tuple[str, int]] = field(default_factory=list)


Told = Info[Any, None]


@strawberry.interface
class Named:
    name: str

    @strawberry.field
    def shouted(self) -> str:
        return f"{self.name.upper()}!"


@dataclass
class Row:
    """What a `Box` reads: no instance of a Strawberry type."""

    name: str
    inner: "list[Row] | None" = None
    number: Any = 1

    def shouted(self) -> str:
        return self.name


@strawberry.type
class Ball(Named):
    radius: float
    colour: Colour = Colour.RED

    @strawberry.field
    async def bounces(self, times: int = 2, *, high: bool = False) -> list[str]:
        await asyncio.sleep(0)
        return [f"{self.name} {n}{'!' if high else ''}" for n in range(times)]


async def length(rows: list[Row], info: Told, unit: str = "cm") -> list[str | None]:
    info.context.calls.append(("length", len(rows)))
    return [f"{len(row.name)} {unit}" if row.name != "void" else None for row in rows]


async def boxes(rows: list[Row], info: Told) -> list[list[Row] | None]:
    info.context.calls.append(("boxes", len(rows)))
    return [row.inner for row in rows]


@strawberry.type
class Box(Named):
    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return isinstance(row, (Row, Box))

    @strawberry.field
    def number(row: strawberry.Parent[Row]) -> int | None:  # noqa: N805 - as in feed_service.schema.
        return row.number  # type: ignore[no-any-return]

    @strawberry.field
    def sure(row: strawberry.Parent[Row]) -> int:  # noqa: N805
        return row.number  # type: ignore[no-any-return]

    length_of = level(graphql_type=str | None, description="-")(length)
    sure_length = level(graphql_type=str, description="-")(length)
    boxes_within = level(
        graphql_type=list[Annotated["Box", strawberry.lazy("tests.execution.toy")]] | None, description="-"
    )(boxes)
    sure_boxes = level(graphql_type=list[Annotated["Box", strawberry.lazy("tests.execution.toy")]], description="-")(
        boxes
    )


@strawberry.input(one_of=True)
class ByOne:
    name: str | None = strawberry.UNSET
    number: int | None = strawberry.UNSET


@strawberry.input
class Wish:
    name: str
    colours: list[Colour] = strawberry.field(default_factory=lambda: [Colour.RED])
    more: "Wish | None" = strawberry.UNSET
    amount: int | None = 3


Thing = Annotated[Ball | Box, strawberry.union("Thing")]

VALUES: dict[str, tuple[Any, Any]] = {
    "whole": (int | None, (1, True, 2**31 - 1, -(2**31), 1.0, "12")),
    "bad_whole": (int | None, (2**31, -(2**31) - 1, 1.5, "x", nan, "", [], inf)),
    "real": (float | None, (1.5, 1, 0.0, -0.0, 1e300, True, "2.5")),
    "bad_real": (float | None, (nan, inf, -inf, "x", "", [])),
    "text": (str | None, ("", "a\u2028\U0001f35e\"\\", 5, 1.5, True, False)),
    "bad_text": (str | None, ({"a": 1}, [1], object())),
    "truth": (bool | None, (True, False, 1, 0)),
    "bad_truth": (bool | None, ("yes", None, nan, [])),
    "key": (strawberry.ID | None, ("x", 7, "")),
    "bad_key": (strawberry.ID | None, (1.5, True, [])),
    "time": (
        datetime | None,
        (
            datetime(2026, 1, 2, tzinfo=UTC),
            datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 1, 2, 3),  # noqa: DTZ001 - as a wrong resolver might.
            datetime(1, 1, 1, tzinfo=UTC),
            datetime.max.replace(tzinfo=UTC),
        ),
    ),
    "bad_time": (datetime | None, ("2026-01-02", 5)),
    "colour": (Colour | None, (Colour.RED, Colour.GREEN, "blue")),
    "bad_colour": (Colour | None, ("pink", 5, Named)),
    "pair": (Even | None, (0, 2, 2**40)),
    "bad_pair": (Even | None, (1, "x")),
}  # fmt: skip
"""(type, values) by field: the good ones as a list of all, the bad ones one by one as well."""


def values_type() -> Any:  # noqa: ANN401 - a type of Strawberry.
    """Fields `<name>` with all values in a list, and `<name>_<n>` with each."""
    namespace: dict[str, Any] = {"__annotations__": {}}
    for name, (type_, values) in VALUES.items():
        namespace[name] = strawberry.field(resolver=returning(list(values), list[type_]))  # type: ignore[valid-type]
        for n, value in enumerate(values):
            namespace[f"{name}_{n}"] = strawberry.field(resolver=returning(value, type_))
    return strawberry.type(type("Values", (), namespace))


def returning(value: Any, type_: Any) -> Any:  # noqa: ANN401 - a resolver.
    def resolver() -> Any:  # noqa: ANN401 - as it says.
        return value

    resolver.__annotations__["return"] = type_
    return resolver


Values = values_type()

DEEP = Row("a", [Row("b", [Row("c", [Row("d", [])]), Row("void", None)]), Row("e", [])])


@strawberry.type
class Query:
    values: Values = strawberry.field(resolver=Values)  # type: ignore[valid-type]

    @strawberry.field
    def things(self) -> list[Thing]:
        return [
            Ball(name="red", radius=1.0),
            cast("Any", DEEP),
            Ball(name="b", radius=2.5, colour=Colour.BLUE),
            cast("Any", Row("z")),
        ]

    @strawberry.field(graphql_type=list[Named | None])
    async def named(self) -> list[Any]:
        return [Row("x"), None, Ball(name="y", radius=nan), Row("void", number=2**40)]

    @strawberry.field(graphql_type=list[Named])
    def not_even_named(self) -> list[Any]:
        return [Row("x"), "a text"]

    @strawberry.field(graphql_type=Box | None)
    def box(self) -> Any:  # noqa: ANN401 - a row.
        return DEEP

    @strawberry.field(graphql_type=list[Box])
    def same(self) -> list[Any]:
        """The same row again and again."""
        return [DEEP, DEEP, DEEP.inner[0] if DEEP.inner else None, DEEP]

    @strawberry.field(graphql_type=list[Box])
    def many(self, n: int = 300) -> list[Any]:
        return [Row(f"box {at}", [Row(f"in {at}")] * (at % 3)) for at in range(n)]

    @strawberry.field
    def grid(self) -> list[list[int | None] | None]:
        return [[1, None, 3], None, [], [4]]

    @strawberry.field
    def sure_grid(self) -> list[list[int]]:
        return [[1, 2], cast("Any", (3, None)), [5]]

    @strawberry.field(graphql_type=list[list[Box]])
    def shelf(self) -> Any:  # noqa: ANN401 - rows.
        return ([DEEP], (), [Row("f"), DEEP])

    @strawberry.field(graphql_type=list[int])
    def no_list(self) -> Any:  # noqa: ANN401 - a wrong value.
        return 5

    @strawberry.field(graphql_type=list[int])
    def counted(self) -> Any:  # noqa: ANN401 - an iterable.
        return (n for n in range(3))

    @strawberry.field
    def fails(self) -> int | None:
        raise NotFound("There is no such thing.")

    @strawberry.field
    async def fails_later(self) -> int:
        await asyncio.sleep(0)
        raise NotFound("There is no such thing.")

    @strawberry.field(graphql_type=int)
    async def null(self) -> Any:  # noqa: ANN401 - null where none may be.
        return None

    @strawberry.field(graphql_type=int | None)
    def returns_an_error(self) -> Any:  # noqa: ANN401 - an error as a value.
        return NotFound("It is returned.")

    @strawberry.field
    async def cancelled(self) -> int | None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
        return 1

    @strawberry.field
    def echo(self, wish: Wish, at: datetime | None = None, numbers: list[list[int]] | None = None) -> str:
        return f"{wish} {at} {numbers}"

    @strawberry.field
    def one(self, by: ByOne) -> str:
        return f"{by.name!r} {by.number!r}"

    @strawberry.field
    def halved(self, even: Even = Even(4), name: str | None = strawberry.UNSET) -> str:
        return f"{even // 2} {name!r}"

    @strawberry.field
    def place(self, info: Told) -> str:
        return f"{info.field_name} {info.path.key} {info.variable_values}"


@strawberry.type
class Mutation:
    @strawberry.mutation(graphql_type=Box)
    async def pack(self, name: str) -> Any:  # noqa: ANN401 - a row.
        return Row(name, [Row("in it")], number=None if name == "void" else 1)

    @strawberry.mutation
    def drop(self) -> Ball | None:
        raise NotFound("There is none.")


SCALARS: dict[object, Any] = {Even: strawberry.scalar(name="Even", serialize=even, parse_value=even)}
schema = strawberry.Schema(Query, Mutation, types=[Ball, Box], config=StrawberryConfig(scalar_map=SCALARS))
core = schema._schema  # noqa: SLF001 - as in app.py.
documents = Documents(core, Limits(depth=50, fields=1_000, aliases=100, root_fields=100))


class Path(OperationMeter):
    """The path of the last operation."""

    last = ""

    def compiled(self) -> None:
        self.last = "compiled"

    def reference(self, reason: str) -> None:
        self.last = reason


meter = Path(CollectorRegistry())
by_plan, by_reference = Execution(core, Plans(core), meter), Execution(core)


async def ask(execution: Execution, text: str, variables: dict[str, Any]) -> tuple[bytes, Toys]:
    """The body, and the context that it was made in."""
    asked = Asked(documents.prepare(text), variables, Toys, "r1")
    try:
        context, answer = await execution.run(asked)
    except FeedError as refusal:
        return orjson.dumps({"errors": refusal_errors(refusal, "r1")}), Toys()
    return body_of(answer), context
