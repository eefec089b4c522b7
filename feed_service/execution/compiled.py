"""Runs a plan: level by level, each field once for all rows, and what the fields of a level load side by side.

Whatever goes wrong ends the run: the operation is then for the reference executor, whose errors are those of the
specification.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import chain, islice
from types import NoneType
from typing import Any

from graphql import default_type_resolver, is_object_type
from graphql.pyutils import gather_with_cancel, is_iterable

from feed_service.execution.faults import is_cancelled_from_outside
from feed_service.execution.fields import Field, Request, Way
from feed_service.execution.leaves import Incomplete, present
from feed_service.execution.plans import Choice, Part, Selection, Shape
from feed_service.execution.source import reader
from feed_service.watching import AT

Rows = Sequence[Any]
Waiting = Callable[[], Coroutine[Any, Any, None]]

PLAIN = (Way.COLUMN, Way.PERHAPS)
NOTHING: tuple[Any, ...] = ()


async def data_of(root: Selection, request: Request) -> dict[str, Any]:
    """What a query answers. Raises whatever a resolver raised, and Incomplete, alone or in a group."""
    run = Run(request)
    (data,) = run.objects(root, [None])
    await run.finish()
    return data


async def completed(shape: Shape, value: Any, request: Request) -> Any:  # noqa: ANN401 - of any field.
    """The value of one field as the answer shows it. Raises as `data_of`."""
    run = Run(request)
    (done,) = run.values(shape, [value])
    await run.finish()
    return done


class Run:
    """One run of a plan. Objects are made at once, with nulls; `waiting` are the fields that fill these in."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.waiting: list[Waiting] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._open = 0
        self._keywords: dict[int, dict[str, Any]] = {}

    async def finish(self) -> None:
        """Wait until every field is filled in."""
        try:
            await self._settle()
            for task in self._tasks:  # Which may start others meanwhile.
                await task
        except BaseException:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise
        if self._open:
            raise Incomplete(f"{self._open} fields were left without a value.")

    async def _settle(self) -> None:
        """Run what waits, and what comes of it: one here, the others beside it."""
        while self.waiting:
            (first, *others), self.waiting = self.waiting, []
            if others:
                self._tasks += map(asyncio.create_task, map(self._beside, others))
            await first()

    async def _beside(self, waiting: Waiting) -> None:
        try:
            await waiting()
            await self._settle()
        except asyncio.CancelledError:
            if is_cancelled_from_outside():
                raise
            raise Incomplete("It was cancelled from within.") from None

    def objects(self, selection: Selection, rows: Rows) -> list[dict[str, Any]]:
        """One object for each row, none of which is None. Rows that are the same share one."""
        if not rows:
            return []
        if len(rows) > 1 and len(set(map(id, rows))) < len(rows):
            distinct = {id(row): row for row in rows}
            made = dict(zip(distinct, self.objects(selection, list(distinct.values())), strict=True))
            return [made[id(row)] for row in rows]
        bound = tuple([self.keywords(field) for field in selection.bound]) if selection.bound else NOTHING
        objects = selection.make(rows, bound)
        for part in selection.parts:
            self._part(part, rows, objects)
        return objects

    def _part(self, part: Part, rows: Rows, objects: list[dict[str, Any]]) -> None:
        field = part.field
        if field.way is Way.READ:
            read = reader(field.read, self.keywords(field) if field.read.is_bound else {})
            self._fill(part, objects, list(map(read, rows)))
            return
        if field.way in PLAIN and field.level is not None:
            values = field.level(rows, **self.keywords(field))
            if not callable(values):
                self._fill(part, objects, values)
                return
            self.waiting.append(lambda: self._filled(part, objects, values()))
        else:
            self.waiting.append(lambda: self._filled(part, objects, self._loaded(field, rows)))
        self._open += 1

    async def _loaded(self, field: Field, rows: Rows) -> Rows:
        keywords = self.keywords(field)
        if field.level is not None:
            return await field.level(rows, **keywords)  # type: ignore[no-any-return]
        read = reader(field.read, keywords)
        return [await read(rows[0])] if len(rows) == 1 else await gather_with_cancel(*map(read, rows))

    async def _filled(self, part: Part, objects: list[dict[str, Any]], loading: Awaitable[Rows]) -> None:
        AT.set(part.field.path)
        values = await loading
        self._open -= 1
        self._fill(part, objects, values)

    def _fill(self, part: Part, objects: list[dict[str, Any]], values: Rows) -> None:
        key = part.field.key
        for made, value in zip(objects, self.values(part.shape, values), strict=True):
            made[key] = value

    def keywords(self, field: Field) -> dict[str, Any]:
        """What the resolver takes beside its row, the same for all rows of the run."""
        found = self._keywords.get(id(field))
        if found is None:
            found = self._keywords[id(field)] = self.request.keywords(field)
        return found

    def values(self, shape: Shape, values: Rows) -> list[Any]:
        """The completed values of one field, for each of its objects."""
        classes = set(map(type, values))
        if not classes <= shape.known:
            if NoneType in classes:
                return self._with_nulls(shape, values)
            prove(shape, values)
        if shape.selection is not None:
            return self.objects(shape.selection, values)
        if shape.leaf is not None:
            coerce = shape.leaf.coerce
            return [coerce(value) for value in values]
        if shape.item is not None:
            return self._lists(shape.item, values)
        assert shape.choice is not None  # noqa: S101 - one of the four.
        return self._chosen(shape.choice, values)

    def _with_nulls(self, shape: Shape, values: Rows) -> list[Any]:
        if not shape.is_nullable:
            raise Incomplete("There is null where none may be.")
        done = iter(self.values(shape, [value for value in values if value is not None]))
        return [None if value is None else next(done) for value in values]

    def _lists(self, item: Shape, values: Rows) -> list[list[Any]]:
        lists = [value if value.__class__ is list else listed(value) for value in values]
        if len(lists) == 1:
            return [self.values(item, lists[0])]
        done = iter(self.values(item, list(chain.from_iterable(lists))))
        return [list(islice(done, len(found))) for found in lists]

    def _chosen(self, choice: Choice, rows: Rows) -> list[dict[str, Any]]:
        """Objects of several types: each type's at once, then in the order of the rows."""
        alone = choice.by_class.get(rows[0].__class__) if len(set(map(type, rows))) == 1 else None
        if alone is not None:
            return self.objects(alone, rows)
        groups: dict[int, tuple[Selection, list[Any]]] = {}
        places = []
        for row in rows:
            selection = choice.by_class.get(row.__class__) or self._type_of(choice, row)
            _, group = groups.setdefault(id(selection), (selection, []))
            places.append((id(selection), len(group)))
            group.append(row)
        made = {key: self.objects(selection, group) for key, (selection, group) in groups.items()}
        return [made[key][place] for key, place in places]

    def _type_of(self, choice: Choice, row: Any) -> Selection:  # noqa: ANN401 - any row.
        type_ = choice.of
        resolve = type_.resolve_type or default_type_resolver
        name = resolve(row, self.request.raw_info(type_, choice.nodes, type_), type_)
        found = self.request.schema.get_type(name) if isinstance(name, str) else None
        if not is_object_type(found) or not self.request.schema.is_sub_type(type_, found):
            raise Incomplete(f"A row of {row.__class__.__name__} is none of the types of {type_.name}.")
        selection = choice.select(found)
        if row.__class__.__name__ == found.name:
            choice.by_class[row.__class__] = selection
        return selection


def prove(shape: Shape, values: Rows) -> None:
    """Raises what is an error among the values, and Incomplete for a row of another type.

    Of classes that are called as the type, every row is; other rows are asked each time.
    """
    selection = shape.selection
    for value in values:
        if isinstance(value, Exception):
            raise value
        if selection is None or selection.of.is_type_of is None:
            shape.known.add(type(value))
        elif selection.of.is_type_of(value, None) is not True:  # type: ignore[arg-type]  # It needs no info.
            raise Incomplete(f"A row of {type(value).__name__} is no {selection.of.name}.")
        elif type(value).__name__ == selection.of.name:
            shape.known.add(type(value))


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - any value of a list field.
    if not is_iterable(present(value)):
        raise Incomplete("There is one value where a list must be.")
    return list(value)
