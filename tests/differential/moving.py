"""What may differ between two answers to the same question: what tells of the answer itself, and of the moment.

Nothing else is left out of the comparison, which is of bytes. In answers to mutations, what was made just now was made
at different moments, too: its times, cursors and slugs are masked as well.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    Node,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

MOVING = {
    "PostStats": {"asOf"},  # When the row was read.
    "UserStats": {"asOf"},
    "AuthorAnalytics": {"since", "asOf", "viewsSince"},
    "DayEngagement": {"since", "until"},
    "FeedHead": {"asOf", "token", "pollAfterSeconds"},  # Tokens hold the clock of the database; pace follows load.
    "FeedChanges": {"nextToken", "pollAfterSeconds"},
    "ThreadChanges": {"nextToken", "pollAfterSeconds"},
    "CommentConnection": {"syncToken"},
    "CommentTreeConnection": {"syncToken"},
    "NewSession": {"accessToken", "refreshToken"},  # Random.
}
"""Fields by type. Every payload's `consistencyToken` is one of them as well: it says how far the database had come."""

PLACES = {"cursor", "startCursor", "endCursor", "position"}
OF_NEW_ROWS = {*PLACES, "hotKey"}
"""Fields that are made of times of rows; masked in answers to mutations only.

Places are masked, too, beside a feed in an order of its own: those of a ranking by value hold its moment.
"""

TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00)"')
NEW_SLUG = re.compile(rb'-[0-9a-f]{8}"')
"""Slugs of posts end at random."""

VALUE = rb'("(?:[^"\\]|\\.)*"|-?[\d.]+(?:[eE][+-]?\d+)?)'


class Masks:
    """Of the answers to one document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, since: datetime | None = None) -> None:
        """`since`: times from then on are masked, as of a mutation."""
        keys = "|".join(sorted(map(re.escape, moving_keys(schema, document, is_mutation=since is not None))))
        self._keys = re.compile(rb'"(' + keys.encode() + rb')":' + VALUE) if keys else None
        self._since = since

    def of(self, body: bytes) -> bytes:
        if self._keys is not None:
            body = self._keys.sub(rb'"\1":"<moving>"', body)
        if self._since is not None:
            body = NEW_SLUG.sub(b'-<random>"', TIME.sub(self._time, body))
        return body

    def _time(self, found: "re.Match[bytes]") -> bytes:
        assert self._since is not None, "`of` looks at it"
        return b'"<lately>"' if datetime.fromisoformat(found[1].decode()) >= self._since else found[0]


@lru_cache(1_000)
def moving_keys(schema: GraphQLSchema, document: DocumentNode, *, is_mutation: bool) -> frozenset[str]:
    """The response keys of moving fields, wherever in the document they stand."""
    info = TypeInfo(schema)
    found = Keys(info, is_mutation=is_mutation)
    visit(document, TypeInfoVisitor(info, found))
    return frozenset(found.keys | found.places if found.is_ranked else found.keys)


class Keys(Visitor):
    def __init__(self, info: TypeInfo, *, is_mutation: bool) -> None:
        super().__init__()
        self.info, self.is_mutation = info, is_mutation
        self.keys: set[str] = set()
        self.places: set[str] = set()
        self.is_ranked = False

    def enter_field(self, node: FieldNode, *_: Node) -> None:
        parent, name = self.info.get_parent_type(), node.name.value
        moves = parent is not None and name in MOVING.get(get_named_type(parent).name, ())
        if moves or name == "consistencyToken" or (self.is_mutation and name in OF_NEW_ROWS):
            self.keys.add((node.alias or node.name).value)
        if name in PLACES:
            self.places.add((node.alias or node.name).value)
        if name == "feed" and any(argument.name.value == "order" for argument in node.arguments or ()):
            self.is_ranked = True


def now() -> datetime:
    return datetime.now(UTC)
