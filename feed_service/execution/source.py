"""The source of the function that makes the objects of one selection set, written from the schema alone.

It holds names of Python attributes and parameters, and numbers. Whatever a client has written, such as a key of the
answer or an argument, is a value among the function's globals, and never becomes source.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from keyword import iskeyword
from operator import attrgetter
from types import CodeType
from typing import Any, NamedTuple

from feed_service.execution.leaves import NAMES, Leaf

Make = Callable[[Sequence[Any], tuple[Any, ...]], list[dict[str, Any]]]
"""(rows, what its calls take) -> one object for each row, with null in place of what is completed later."""


class Read(NamedTuple):
    """How a value is read off a row: by an attribute, or by a call of `function` with the row and more by name.

    `bound`: whether the call takes an info or arguments, which differ between requests.
    """

    attribute: str = ""
    function: Callable[..., Any] | None = None
    row_as: str = ""
    is_bound: bool = False


class LeafField(NamedTuple):
    key: str
    read: Read
    leaf: Leaf
    is_nullable: bool


class FixedField(NamedTuple):
    """The same for every object: the name of its type, or null until it is completed."""

    key: str
    value: str | None


def make_function(fields: Sequence[LeafField | FixedField]) -> Make:
    """The function; its second argument holds one dictionary of keywords for each leaf field whose read is bound."""
    lines, names = [], dict(NAMES)
    shown: list[str] = []
    bound: list[str] = []
    for n, field in enumerate(fields):
        names[f"k{n}"] = field.key
        if isinstance(field, FixedField):
            names[f"c{n}"] = field.value
            shown.append(f"k{n}: c{n}")
            continue
        shown.append(f"k{n}: v{n}")
        lines.append(f"v{n} = {_read(n, field.read, names, bound)}")
        names[f"s{n}"] = field.leaf.coerce
        unusual = field.leaf.unusual.format(v=f"v{n}")
        condition = f"v{n} is not None and ({unusual})" if field.is_nullable else unusual
        lines.append(f"if {condition}: v{n} = s{n}(v{n})")
    code = _compiled(tuple(lines), ", ".join(shown), ", ".join(bound))
    exec(code, names)  # noqa: S102 - written from the schema alone, as said above.
    return names["make"]  # type: ignore[no-any-return]


def _read(n: int, read: Read, names: dict[str, Any], bound: list[str]) -> str:
    if read.function is None:
        return f"row.{identifier(read.attribute)}"
    names[f"f{n}"] = read.function
    row = f"{identifier(read.row_as)}=row" if read.row_as else ""
    if not read.is_bound:
        return f"f{n}({row})"
    bound.append(f"b{n}")
    return f"f{n}({row}, **b{n})" if row else f"f{n}(**b{n})"


def identifier(name: str) -> str:
    """Raises ValueError for what is no plain name of Python."""
    if not name.isidentifier() or iskeyword(name):
        raise ValueError(f"{name!r} is not a name.")
    return name


@lru_cache(1_024)
def _compiled(lines: tuple[str, ...], shown: str, bound: str) -> CodeType:
    """Selections of the same fields have the same source, whatever their keys and arguments."""
    body = "".join(f"        {line}\n" for line in lines)
    unpack = f"    ({bound},) = bound\n" if bound else ""
    head = f"def make(rows, bound):\n{unpack}    made = []\n    for row in rows:\n"
    return compile(f"{head}{body}        made.append({{{shown}}})\n    return made\n", "<selection>", "exec")


def reader(read: Read, keywords: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The same read as a function of a row, for fields that are completed later."""
    function, row_as = read.function, read.row_as
    if function is None:
        return attrgetter(read.attribute)
    if row_as:
        return lambda row: function(**{row_as: row}, **keywords)
    return lambda _row: function(**keywords)
