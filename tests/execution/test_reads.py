"""What operations read: nothing of the schema and none of the loaders is forgotten."""

import inspect
from collections.abc import Iterator

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, parse

from feed_service import loaders
from feed_service.execution.reads import KINDS, FieldReader, Kind, names_in
from feed_service.loaders.batching import Reader
from feed_service.loaders.reads import MOST_IDS, NOTES, Class, Reads
from tests.api import SCHEMA


def readable_fields() -> Iterator[str]:
    """Of all types that a query can reach."""
    todo, seen = ["Query"], set()
    while todo:
        name = todo.pop()
        type_ = SCHEMA.type_map[name]
        if name in seen:
            continue
        seen.add(name)
        if isinstance(type_, GraphQLInterfaceType):
            todo += [implementing.name for implementing in SCHEMA.get_implementations(type_).objects]
        todo += [member.name for member in getattr(type_, "types", ())]
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            todo += [str(field.type).strip("[]!") for field in type_.fields.values()]
            yield from (f"{name}.{field}" for field in type_.fields)


def test_every_field_says_how_its_changes_are_known() -> None:
    assert sorted(set(readable_fields()) - KINDS.keys()) == []


def batch_functions() -> Iterator[str]:
    for room in loaders.__all__:
        for name, function in inspect.getmembers(getattr(loaders, room), inspect.iscoroutinefunction):
            parameters = list(inspect.signature(function).parameters.values())
            takes_keys = len(parameters) > 1 and str(parameters[1].annotation).startswith("list[")
            if takes_keys and parameters[0].annotation is Reader and function.__module__.endswith(f".{room}"):
                yield f"{room}.{name}"


def test_every_batch_function_says_what_it_notes() -> None:
    assert sorted(batch_functions()) == sorted(NOTES)


@pytest.mark.parametrize(
    ("text", "is_versioned", "by_clock", "needs_feed"),
    [
        ("{ feed(kind: HOME) { nodes { title stats { likeCount } } } }", True, False, True),
        ("query { ...F } fragment F on Query { feed(kind: HOME) { nodes { stats { viewCount } } } }", True, True, True),
        ('{ node(id: "a") { ... on Likeable { likeCount } ... on Tag { trendScore } } }', True, True, False),
        ('{ search(query: "a") { nodes { ... on Post { title } } } }', False, False, False),
        ("{ viewer { email } }", False, False, False),
        ("{ __schema { types { name } } }", False, False, False),
        ("{ __typename }", True, False, False),
    ],
)
def test_fields_say_what_moves_by_itself(text: str, is_versioned: bool, by_clock: bool, needs_feed: bool) -> None:
    found = FieldReader(SCHEMA).of(text, parse(text))
    assert (found.is_versioned, found.by_clock, found.needs_feed) == (is_versioned, by_clock, needs_feed)


def test_an_answer_is_versioned_only_if_what_it_read_was_noted() -> None:
    fields = FieldReader(SCHEMA).of("a", parse("{ feed(kind: HOME) { nodes { stats { viewCount } } } }"))
    reads = Reads()
    reads.note(Class.POSTS, [1])
    assert not fields.complete(reads)
    reads.loaded("stats.by_post_id", [1], [None], ())
    reads.feeds.add("HOME")  # type: ignore[arg-type]
    assert fields.complete(reads)
    assert reads.ids == {Class.POSTS: {1}, Class.POST_NUMBERS: {1}, Class.CLOCK: set()}
    assert not FieldReader(SCHEMA).of("b", parse("{ __typename }")).complete(Reads())
    reads.note(Class.USERS, range(MOST_IDS + 1))
    assert not fields.complete(reads)


def test_what_nobody_knows_is_not_versioned() -> None:
    reads = Reads()
    reads.loaded("nowhere.by_id", [1], [None], ())
    assert not reads.is_versioned
    assert KINDS["Query.search"] is Kind.UNVERSIONED
    assert names_in(SCHEMA, parse("{ a: __typename tag(slug: 1) { id } }")) == {"Query.tag", "Tag.id"}
