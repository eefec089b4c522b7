"""Values for arguments: mostly such as find something, some that find nothing, and a few that are wrong."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_nullable_type,
    is_required_argument,
    is_required_input_field,
)

from tests.differential.stock import Stock
from tests.differential.tree import Enumerated, Value, Variable

Wanted = GraphQLArgument | GraphQLInputField
AsVariable = Callable[[str, Wanted, Value], Variable]
"""(what it is for, where it stands, its value) -> a variable that has this value."""

PAGING = frozenset({"first", "after", "last", "before"})
SHARE_GARBAGE, SHARE_WRONG, SHARE_MISSING = 0.003, 0.007, 0.03

IDS = (
    (r"Query\.nodes?\.ids?", "User Post Comment Tag Category BookmarkCollection"),
    (r".*\.(postIds?|authors)|PostBy.*|UserBy.*|.*subjectId|.*parentId|.*collectionIds?", ""),
    (r"Mutation\..*Users?\.ids?", "User"),
    (r"Mutation\..*Post\.id|UpdatePostInput\.id", "Post"),
    (r"Mutation\..*Comment\.id|UpdateCommentInput\.id", "Comment"),
    (r"Mutation\.revokeSession\.id", "Session"),
    (r".*Collection.*\.id", "BookmarkCollection"),
)
BY_NAME = {"postId": "Post", "postIds": "Post", "authors": "User", "subjectId": "Post Comment", "parentId": "Comment",
           "collectionId": "BookmarkCollection", "collectionIds": "BookmarkCollection"}  # fmt: skip
TEXTS = ("bread", "loaf -jam", '"of bread"', "ann", "te", "zebra", "", "Ünïcödé \u2603 \U0001f35e", "x" * 301)
GARBAGE: tuple[Value, ...] = (True, 7, -1, 1.5, "x", [], [[None]], {"x": 1}, None, 2**31, Enumerated("NO_SUCH"))
SMALL = {"maxChars": (1, 12, 80), "maxDepth": (1, 2, 8), "upTo": (1, 3, 100), "expectedVersion": (1, 2, 3)}
OWN_ORDERS = {"POPULAR": ("HOT", "TOP"), "DISCUSSED": ("NEWEST_ACTIVITY", "MOST_COMMENTED")}


class Values:
    """The draws of one document, asked by the viewer of that name."""

    def __init__(self, random: Random, stock: Stock, viewer: str, as_variable: AsVariable) -> None:
        self.random, self.stock, self.viewer, self.as_variable = random, stock, viewer, as_variable

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def arguments(self, of: str, name: str, field: GraphQLField) -> dict[str, Value]:
        where, chosen = f"{of}.{name}", dict[str, Value]()
        for each, argument in field.args.items():
            if each in PAGING and "after" in field.args:
                continue
            if is_required_argument(argument) or self.chance(0.2 if each in {"filter", "order"} else 0.6):
                chosen[each] = self._value(f"{where}.{each}", each, argument, chosen)
        if "after" in field.args:
            chosen |= self._paging(where, chosen)
        return self._shuffled(
            {each: self._dressed(f"{where}.{each}", field.args[each], chosen[each]) for each in chosen}
        )

    def _dressed(self, where: str, wanted: Wanted, value: Value) -> Value:
        if self.chance(SHARE_GARBAGE):
            value = self.random.choice(GARBAGE)
        return self.as_variable(where, wanted, value) if self.chance(0.25) else value

    def _shuffled(self, members: dict[str, Value]) -> dict[str, Value]:
        names = self.random.sample(list(members), len(members))
        return {name: members[name] for name in names}

    def _paging(self, where: str, chosen: dict[str, Value]) -> dict[str, Value]:
        kind = chosen.get("kind")
        found = self.stock.cursors.get(f"{where} {kind}" if kind else where) or [""]
        size = self.random.choices((1, 2, 3, 5, 0, 101, None), (300, 300, 200, 100, 4, 4, 10))[0]
        ends = self.random.choices(("first", "last", "first last", ""), (750, 150, 4, 96))[0].split()
        cursors = self.random.choices(("", "after", "before", "after before"), (65, 20, 10, 5))[0].split()
        page: dict[str, Value] = dict.fromkeys(ends, size)
        if not chosen.keys().isdisjoint({"order", "filter", "maxDepth", "query"}) and not self.chance(0.03):
            cursors = []
        for end in cursors:
            page[end] = self.random.choice(found) if self.chance(0.98) else self.random.choice(("", "gone", None))
        return page

    def _value(self, where: str, name: str, wanted: Wanted, beside: dict[str, Value]) -> Value:
        type_: Any = get_nullable_type(wanted.type)
        if type_ is wanted.type and self.chance(SHARE_WRONG):
            return None
        if isinstance(type_, GraphQLList):
            return self._list(where, name, type_, beside)
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_)
        if isinstance(type_, GraphQLEnumType):
            return Enumerated(self.random.choice(self._names(name, type_, beside)))
        return self._scalar(where, name, type_.name, beside)

    def _names(self, name: str, type_: GraphQLEnumType, beside: dict[str, Value]) -> Sequence[str]:
        """Those of an enum, nearly always such as fit where they stand."""
        if self.chance(0.97) and name == "window":
            return ("HOUR", "DAY", "WEEK", "MONTH")
        if self.chance(0.97) and type_.name == "PostOrder":
            return OWN_ORDERS.get(str(beside.get("kind")), ("NEWEST", "OLDEST"))
        return list(type_.values)

    def _list(self, where: str, name: str, type_: GraphQLList[Any], beside: dict[str, Value]) -> Value:
        """A single value stands for a list of it."""
        item = GraphQLArgument(GraphQLNonNull(get_nullable_type(type_.of_type)))
        if self.chance(0.1):
            return self._value(where, name, item, beside)
        return [self._value(where, name, item, beside) for _ in range(self.random.choice((0, 1, 1, 2, 3, 4)))]

    def _object(self, type_: GraphQLInputObjectType) -> Value:
        fields = type_.fields
        if type_.is_one_of:
            names = [self.random.choice(list(fields))] if self.chance(0.99) else list(fields)
        else:
            names = [name for name, each in fields.items() if is_required_input_field(each) or self.chance(0.3)]
        made: dict[str, Value] = {}
        for name in names:
            where, wanted = f"{type_.name}.{name}", fields[name]
            if type_.is_one_of:
                wanted = GraphQLInputField(GraphQLNonNull(get_nullable_type(wanted.type)))
            made[name] = self._value(where, name, wanted, made)
            if self.chance(0.1):
                made[name] = self.as_variable(where, wanted, made[name])
        return made

    def _scalar(self, where: str, name: str, kind: str, beside: dict[str, Value]) -> Value:
        random, stock = self.random, self.stock
        if kind == "ID":
            return self._id(where, name)
        if kind == "SyncToken":
            return self._token(beside)
        if kind == "Boolean":
            return random.choice((True, False))
        if kind == "Int":
            return 0 if self.chance(SHARE_WRONG) else random.choice(SMALL.get(name, (1, 2, 3, 5)))
        if kind == "DateTime":
            return random.choice(("2026-12-01T10:00:00.123456+02:00", "2026-12-24T00:00:00Z"))
        slugs = stock.post_slugs if where == "PostBy.slug" else stock.tag_slugs
        if where == "Query.category.slug" or name == "category":
            slugs = ["news", "recipes", "missing"]
        known = {"username": stock.usernames, "slug": slugs, "slugs": slugs, "tags": slugs, "excludeTags": slugs,
                 "languages": ["en", "de", "fr"], "language": ["en", "pt-BR", "??"]}  # fmt: skip
        return random.choice(known.get(name, list(TEXTS)))

    def _id(self, where: str, name: str) -> Value:
        if self.chance(SHARE_WRONG):
            return self.random.choice(("", "x", "UG9zdDow", "\u2603", 7, "UG9zdDoxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw"))
        if where == "Query.threadChanges.postId" and self.chance(0.9):
            return self.random.choice([*self.stock.threads, ""])
        if self.chance(SHARE_MISSING):
            return "UG9zdDo5OTk5OTk"
        kinds = next((kinds for pattern, kinds in IDS if re.fullmatch(pattern, where)), "User Post Comment")
        kinds = kinds or BY_NAME.get(name) or where.partition("By.")[0]
        if self.chance(SHARE_WRONG):
            kinds = "User Post Tag"
        return self.random.choice(self.stock.ids[self.random.choice(kinds.split())])

    def _token(self, beside: dict[str, Value]) -> Value:
        if "filter" in beside and self.chance(0.9):
            return None
        kind = beside.get("kind") or beside.get("postId") or "HOME"
        tokens = self.stock.tokens.get((self.viewer, str(kind))) if isinstance(kind, str) else None
        if not tokens or self.chance(SHARE_WRONG):
            tokens = ["bad", *self.stock.tokens["dan", "HOME"]]
        return self.random.choice(tokens)
