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

    `is_bound`: whether the call takes an info or arguments, which differ between requests. `is_column`: the function
    takes all rows, as its first argument, and gives a list of values.
    """

    attribute: str = ""
    function: Callable[..., Any] | None = None
    row_as: str = ""
    is_bound: bool = False
    is_column: bool = False


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
    source = Source([], [], [], [])
    names = dict(NAMES)
    for n, field in enumerate(fields):
        names[f"k{n}"] = field.key
        if isinstance(field, FixedField):
            names[f"c{n}"] = field.value
            source.shown.append(f"k{n}: c{n}")
            continue
        source.shown.append(f"k{n}: v{n}")
        names[f"f{n}"], names[f"s{n}"] = field.read.function, field.leaf.coerce
        source.read(n, field.read)
        unusual = field.leaf.unusual.format(v=f"v{n}")
        condition = f"v{n} is not None and ({unusual})" if field.is_nullable else unusual
        source.lines.append(f"if {condition}: v{n} = s{n}(v{n})")
    exec(_compiled(source.text()), names)  # noqa: S102 - written from the schema alone, as said above.
    return names["make"]  # type: ignore[no-any-return]


class Source(NamedTuple):
    """`before` the loop over the rows, the names of what is `bound`, the `lines` of the loop, and what is `shown`."""

    before: list[str]
    bound: list[str]
    lines: list[str]
    shown: list[str]

    def read(self, n: int, read: Read) -> None:
        """Have `v{n}` stand for the value of field `n`."""
        if read.function is None:
            self.lines.append(f"v{n} = row.{identifier(read.attribute)}")
            return
        row = "rows" if read.is_column else f"{identifier(read.row_as)}=row" if read.row_as else ""
        if read.is_bound:
            self.bound.append(f"b{n}")
        given = ", ".join(part for part in (row, f"**b{n}" if read.is_bound else "") if part)
        if read.is_column:
            self.before.append(f"v{n} = f{n}({given})")
        else:
            self.lines.append(f"v{n} = f{n}({given})")

    def text(self) -> str:
        columns = [line.partition(" ")[0] for line in self.before]
        each = f"row, {', '.join(columns)}" if columns else "row"
        of = f"zip(rows, {', '.join(columns)}, strict=True)" if columns else "rows"
        head = [f"({', '.join(self.bound)},) = bound"] if self.bound else []
        before = "".join(f"    {line}\n" for line in [*head, *self.before, "made = []"])
        inner = "".join(f"        {line}\n" for line in [*self.lines, f"made.append({{{', '.join(self.shown)}}})"])
        return f"def make(rows, bound):\n{before}    for {each} in {of}:\n{inner}    return made\n"


def identifier(name: str) -> str:
    """Raises ValueError for what is no plain name of Python."""
    if not name.isidentifier() or iskeyword(name):
        raise ValueError(f"{name!r} is not a name.")
    return name


@lru_cache(1_024)
def _compiled(text: str) -> CodeType:
    """Selections of the same fields have the same source, whatever their keys and arguments."""
    return compile(text, "<selection>", "exec")


def reader(read: Read, keywords: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The same read as a function of a row, for fields that are completed later."""
    function, row_as = read.function, read.row_as
    if function is None:
        return attrgetter(read.attribute)
    if row_as:
        return lambda row: function(**{row_as: row}, **keywords)
    return lambda _row: function(**keywords)
