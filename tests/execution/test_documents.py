"""Documents: which are refused and why, and that measuring them costs no more than their text."""

import pytest
import strawberry
from graphql import get_introspection_query, parse

from feed_service.errors import BadUserInput, FeedError, QueryTooCostly
from feed_service.execution.documents import MAX_KEPT_LENGTH, Documents, fragments_of
from feed_service.execution.limits import CAP, Limits, Measure, Totals
from feed_service.execution.refusals import MAX_ERRORS, ParseFailed, ValidationFailed
from feed_service.execution.run import refusal_errors
from tests.http.small import core


@pytest.fixture
def documents() -> Documents:
    return Documents(core)


def measured(text: str) -> tuple[Totals, Measure]:
    document = parse(text)
    measure = Measure(fragments_of(document))
    return measure.operation(document.definitions[0]), measure  # type: ignore[arg-type]


def refusal(documents: Documents, text: str, operation_name: str | None = None) -> FeedError:
    with pytest.raises(FeedError) as caught:
        documents.prepare(text, operation_name)
    return caught.value


@pytest.mark.parametrize(
    ("text", "totals"),
    [
        ("{ a { b } c }", Totals(depth=2, fields=3, root_fields=2)),
        ("{ a { edges { node { b } } nodes { c } } }", Totals(depth=2, fields=6, root_fields=1)),
        ("{ x: a y: b { z: c } }", Totals(depth=2, fields=3, aliases=3, root_fields=2)),
        ("{ a @skip(if: true) ... @include(if: true) { b } }", Totals(depth=1, fields=2, directives=2, root_fields=2)),
        ("{ ...F a { ...F } } fragment F on T { b x: c { d } }",
         Totals(depth=3, fields=7, aliases=2, root_fields=3)),
        ("{ __schema { types { name } } a }",
         Totals(depth=1, fields=1, root_fields=2, introspection_depth=3, introspection_fields=3)),
        ("{ ...__schema } fragment __schema on T { a { b { c } } }", Totals(depth=3, fields=3, root_fields=1)),
        ("{ __schema: a { b } }", Totals(depth=2, fields=2, aliases=1, root_fields=1)),
        ("{ ...A } fragment A on T { a ...B } fragment B on T { b ...A }", Totals(depth=1, fields=2, root_fields=2)),
        ("{ ...Nowhere a }", Totals(depth=1, fields=1, root_fields=1)),
    ],
)  # fmt: skip
def test_an_operation_is_measured_with_its_fragments_in_place(text: str, totals: Totals) -> None:
    assert measured(text)[0] == totals


@pytest.mark.parametrize("length", [10, 60])
def test_a_bomb_of_fragments_is_visited_once(length: int) -> None:
    """Each fragment spreads the next one twice: written out, it has 2**length fields."""
    chain = "".join(f"fragment F{number} on T {{ ...F{number + 1} ...F{number + 1} }}" for number in range(length))
    totals, measure = measured(f"{{ ...F0 }} {chain} fragment F{length} on T {{ a }}")
    assert measure.visits == 2 * length + 2
    assert totals.fields == min(CAP, 2**length)


def names(count: int, text: str) -> str:
    return " ".join(text.format(number) for number in range(count))


def nested(depth: int) -> str:
    return "{" + "person { friends {" + "friends {" * (depth - 3) + "id" + "}" * depth


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        (nested(10), nested(11)),
        (f"{{ person {{ {names(30, 'a{}: id')} }} }}", f"{{ person {{ {names(31, 'a{}: id')} }} }}"),
        (f"{{ person {{ {'id ' * 499} }} }}", f"{{ person {{ {'id ' * 500} }} }}"),
        (f"{{ {'viewerId ' * 20} }}", f"{{ {'viewerId ' * 21} }}"),
        (f"{{ person {{ {'id @skip(if: false) ' * 20} }} }}", f"{{ person {{ {'id @skip(if: false) ' * 21} }} }}"),
        (names(5, "query Q{} {{ viewerId }}"), names(6, "query Q{} {{ viewerId }}")),
        (f"{{ {names(3, 'a{}: viewerId')} ...F }} fragment F on Query {{ {names(17, 'b{}: viewerId')} }}",
         f"{{ {names(3, 'a{}: viewerId')} ...F }} fragment F on Query {{ {names(18, 'b{}: viewerId')} }}"),
    ],
    ids=["depth", "aliases", "fields", "root fields", "directives", "operations", "root fields of a fragment"],
)  # fmt: skip
def test_each_limit_is_reached_but_not_passed(documents: Documents, allowed: str, refused: str) -> None:
    documents.prepare(allowed, "Q0" if "Q0" in allowed else None)
    assert isinstance(refusal(documents, refused, "Q0" if "Q0" in refused else None), QueryTooCostly)


@pytest.mark.parametrize("options", [{}, {"input_value_deprecation": True, "specified_by_url": True}])
def test_introspection_by_tools_passes(documents: Documents, options: dict[str, bool]) -> None:
    documents.prepare(get_introspection_query(**options))


def test_introspection_has_a_bound_of_its_own(documents: Documents) -> None:
    everything, _, fragments = get_introspection_query().partition("{")[2].partition("fragment")
    schema = everything.strip().removesuffix("}")
    three_times = f"{{ a: {schema} b: {schema} c: {schema} }} fragment{fragments}"
    assert "introspection" in str(refusal(documents, three_times))
    assert "introspection" in str(refusal(documents, '{ __type(name: "A") {' + "ofType {" * 18 + "name" + "}" * 20))


def test_the_operation_is_chosen_by_its_name(documents: Documents) -> None:
    text = 'query A { viewerId } mutation B { rename(name: "b") }'
    assert documents.prepare(text, "A").is_query
    assert not documents.prepare(text, "B").is_query
    assert documents.prepare("{ viewerId }").name is None
    for name in (None, "C", "a"):
        assert isinstance(refusal(documents, text, name), ValidationFailed)
    assert isinstance(refusal(documents, "query A { viewerId }", "B"), ValidationFailed)
    assert isinstance(refusal(documents, "fragment F on Query { viewerId }"), ValidationFailed)


def test_few_errors_are_told(documents: Documents) -> None:
    caught = refusal(documents, f"{{ person {{ {names(20, 'nothing{}')} }} }}")
    assert isinstance(caught, ValidationFailed)
    assert len(refusal_errors(caught, "r1")) == MAX_ERRORS


@pytest.mark.parametrize("text", ['{ person(id: "\\u0000") { id } }', f"{{ person(first: {'9' * 5000}) {{ id }} }}"])
def test_literals_that_no_field_takes_are_refused(documents: Documents, text: str) -> None:
    assert isinstance(refusal(documents, text), BadUserInput)


def test_an_escaped_backslash_before_zeros_is_no_nul(documents: Documents) -> None:
    documents.prepare('{ person(id: "\\\\u0000") { id } }')


def test_a_known_text_is_not_parsed_again(documents: Documents) -> None:
    text = "{ person { name } }"
    assert documents.prepare(text).document is documents.prepare(text).document
    first, second = refusal(documents, "{"), refusal(documents, "{")
    assert isinstance(first, ParseFailed)
    assert first is not second
    assert first.errors[0] is second.errors[0]  # type: ignore[attr-defined]


def test_what_is_kept_is_bounded(documents: Documents) -> None:
    padding = "#" * 9_000
    first = documents.prepare(f"{{ viewerId }} {padding}").document
    for number in range(60):
        documents.prepare(f"{{ viewerId }} {padding}{number}")
    assert documents.prepare(f"{{ viewerId }} {padding}").document is not first
    long = f"{{ viewerId }} #{'x' * MAX_KEPT_LENGTH}"
    assert documents.prepare(long).document is not documents.prepare(long).document


def test_the_limits_are_handed_in() -> None:
    @strawberry.type
    class Query:
        a: int = 1

    tight = Documents(strawberry.Schema(Query)._schema, Limits(root_fields=1))  # noqa: SLF001
    assert isinstance(refusal(tight, "{ a b: a }"), QueryTooCostly)
