"""Statements of SQLAlchemy made into what the driver takes: a text with $1, $2, …, and the order of its values.

SQLAlchemy builds them, and runs none that a request waits for (docs/decisions/0019-reads-by-the-driver.md).
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, wraps
from inspect import isfunction
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Executable, Select
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from feed_service.rows import Row, row_class

KEPT_READINGS = 100
"""Compiled statements of those that stand in modules; one that is built anew each time is compiled each time."""

ROWS_OF = "rows_of"
"""Option of a statement: the entity whose columns it has, where it does not begin with the entity itself."""

BESIDE = "rows_beside"
"""Option of a statement: see `rows.row_class`."""


class Statement(NamedTuple):
    """What the driver needs: the text with $1, $2, …, the names of the parameters in that order, and their defaults."""

    text: str
    names: tuple[str, ...]
    defaults: Mapping[str, Any]


def compiled(statement: Executable) -> Statement:
    """Compile once, at import: SQLAlchemy's own execution of a statement costs more than most writes (0.4 ms)."""
    made = _compiled(statement)
    return Statement(str(made), tuple(made.positiontup or ()), made.params)


class Reading(NamedTuple):
    """A statement that is read by, and the class of its rows.

    `literal`: SQLAlchemy's, if some values stand in the text itself. Each such text is new to PostgreSQL.
    """

    statement: Statement
    row: type[Row]
    literal: Any

    def given(self, values: Mapping[str, Any] | None) -> tuple[str, list[Any]]:
        """(text, arguments in its order). Values that the statement does not ask for are passed over."""
        text, names, defaults = self.statement
        if self.literal is None:
            if not values:
                return text, [defaults[name] for name in names]
            return text, [values[name] if name in values else defaults[name] for name in names]
        known = {**defaults, **values} if values else defaults
        expanded = self.literal.construct_expanded_state(known)
        return expanded.statement, [known[name] for name in expanded.positiontup]


Readable = Select[*tuple[Any, ...]] | Reading


def reading(statement: Readable) -> Reading:
    """Compiled when it is first read by; a statement is known by its identity, not by what it says."""
    return statement if isinstance(statement, Reading) else _kept(statement)


def built_once(build: Callable[..., Select[*tuple[Any, ...]]], most: int | None = None) -> Any:  # noqa: ANN401 - `build` that gives a Reading, with `cache_clear`.
    """`build`, called once for each kind of arguments, or for the `most` last ones.

    What is kept is what the driver needs: the statement itself is ten times as large.
    """

    @lru_cache(most)
    @wraps(build)
    def built(*args: Any, **kwargs: Any) -> Reading:  # noqa: ANN401 - as `build`.
        made = _reading(build(*args, **kwargs))
        # `queries.prepared` is given the function that says what is read.
        source = next((value for value in args if isfunction(value)), build)
        _NAMES[made.statement.text] = _shortly(f"{source.__module__}.{source.__qualname__}")
        return made

    return built


_NAMES: dict[str, str] = {"COMMIT": "commit"}
"""Of texts: where they come from."""


def name_of_text(text: str) -> str:
    """The function or constant of the service that a text comes from, as queries.feeds.by_time; `unnamed` for others.

    Looked for when it is first asked, among what stands in our modules: nobody has to give names.
    """
    name = _NAMES.get(text)
    if name is None:
        of_constants = (found for found, value in _constants() if isinstance(value, Statement) and value.text == text)
        name = _NAMES[text] = next(of_constants, "unnamed")
    return name


def _constants() -> Iterator[tuple[str, Any]]:
    for module in [name for name in sys.modules if name.startswith("feed_service.")]:
        for name, value in list(vars(sys.modules[module]).items()):
            yield _shortly(f"{module}.{name}"), value


def _shortly(name: str) -> str:
    return name.removeprefix("feed_service.")


def _reading(statement: Select[*tuple[Any, ...]]) -> Reading:
    made = _compiled(statement)
    first = statement.column_descriptions[0]
    options = statement.get_execution_options()
    model = first["expr"] if first["expr"] is first.get("entity") else options.get(ROWS_OF)
    return Reading(
        Statement(str(made), tuple(made.positiontup or ()), made.params),
        row_class(statement.selected_columns.keys(), model, options.get(BESIDE)),
        made if made.literal_execute_params else None,
    )


@lru_cache(KEPT_READINGS)
def _kept(statement: Select[*tuple[Any, ...]]) -> Reading:
    made = _reading(statement)
    name = next((name for name, value in _constants() if value is statement), None)
    if name is not None:
        _NAMES[made.statement.text] = name
    return made


class _Compiler(dialect.dialect.statement_compiler):  # type: ignore[misc, valid-type]
    """Numbers that a query builder wrote down stand in the text: a feed has twenty of them, each a value to be sent."""

    def visit_bindparam(self, bindparam: BindParameter[Any], **how: Any) -> str:  # noqa: ANN401
        kind = bindparam.type.dialect_impl(self.dialect)
        is_number = type(bindparam.value) in {int, float} and kind.render_bind_cast
        if not is_number or not bindparam.unique or bindparam.expanding:
            return super().visit_bindparam(bindparam, **how)  # type: ignore[no-any-return]
        return self.render_bind_cast(bindparam.type, kind, f"({self.render_literal_bindparam(bindparam)})")  # type: ignore[no-any-return]


class _Dialect(dialect.dialect):
    statement_compiler = _Compiler


def _compiled(statement: Executable) -> Any:  # noqa: ANN401 - SQLAlchemy's, of which not everything is typed.
    return statement.compile(dialect=_Dialect())  # type: ignore[attr-defined, no-untyped-call]
