"""The compiled executor on every kind of field and value: the same bytes as the reference executor, by which path."""

from typing import Any

import pytest

from tests.execution.toy import VALUES, ask, by_plan, by_reference, meter

NESTED = "{ box { " + "boxesWithin { name " * 4 + "}" * 4 + " } }"

COMPILED: dict[str, Any] = {
    "nothing but typename": "{ __typename a: __typename box { __typename } }",
    "a union": "{ things { __typename ... on Ball { radius colour bounces } ... on Box { number length: lengthOf } } }",
    "an interface": "{ things { ... on Named { name shouted } ... { ... on Box { n: number } } } }",
    "nothing that fits": "{ box { ... on Named { ... on Ball { radius } } } }",
    "arguments by row": "{ things { ... on Ball { a: bounces b: bounces(times: 0) c: bounces(high: true) } } }",
    "deep levels": NESTED,
    "the same row again": "{ same { name boxesWithin { name lengthOf(unit: \"m\") } } }",
    "many rows": "{ many { name number shouted boxesWithin { name lengthOf } } }",
    "no rows": "{ many(n: 0) { name boxesWithin { name } } }",
    "lists of lists": "{ grid shelf { name boxesWithin { name } } counted }",
    "merged on all levels": "{ box { boxesWithin { name } ... on Box { boxesWithin { number ... { name } } name } } }",
    "an operation's place": "{ a: place b: place }",
    "input objects": "{ echo(wish: {name: \"x\", colours: [RED, VERDANT], more: {name: \"y\", amount: null}}) }",
    "one for a list": "{ echo(wish: {name: \"x\", colours: BLUE}, numbers: 5) }",
    "defaults": "{ echo(wish: {name: \"\"}) halved }",
    "one of several": "{ a: one(by: {name: \"x\"}) b: one(by: {number: 1}) }",
    "explicit null": "{ halved(name: null) }",
}  # fmt: skip

REFERENCE = {
    "introspection": "{ __schema { queryType { name } } box { name } }",
    "an error": "{ fails box { name } }",
    "an error and its siblings": "{ a: fails b: failsLater box { name } }",
    "null where none may be": "{ box { name } null }",
    "an error as a value": "{ returnsAnError }",
    "cancelled from within": "{ cancelled box { name } }",
    "no list": "{ noList }",
    "null in a list of lists": "{ sureGrid }",
    "null in a level": "{ box { name boxesWithin { boxesWithin { sureLength name } } } }",
    "null for a list of a level": "{ box { boxesWithin { boxesWithin { sureBoxes { name } } } } }",
    "a row of no type": "{ notEvenNamed { name } }",
    "a bad number in one row": "{ named { name ... on Box { number sure } ... on Ball { radius } } }",
    "two of one": "{ one(by: {name: \"x\", number: 1}) box { name } }",
    "none of one": "{ box { name } one(by: {}) }",
}  # fmt: skip

CHOOSING = "query ($t: Boolean!) { box { name @skip(if: $t) ... @include(if: $t) { number boxesWithin { name } } } }"
CHOOSING_TWICE = """query ($t: Boolean! = true, $u: Boolean!) {
    box { a: name @skip(if: $t) @include(if: $u) b: name @include(if: $u) @skip(if: false) } }"""

VARIABLES: list[tuple[str, dict[str, Any]]] = [
    ("query ($w: Wish!) { echo(wish: $w) }", {"w": {"name": "x", "more": {"name": "y"}}}),
    ("query ($w: Wish!) { echo(wish: $w) }", {"w": {"name": "x", "colours": "PINK"}}),
    ("query ($w: Wish!) { echo(wish: $w) }", {"w": {"colours": []}}),
    ("query ($n: String!, $c: [Colour!]) { echo(wish: {name: $n, colours: $c}) }", {"n": "x"}),
    ("query ($n: String!, $c: [Colour!]! = [BLUE]) { echo(wish: {name: $n, colours: $c}) }", {"n": "x"}),
    ("query ($n: String!, $a: Int) { echo(wish: {name: $n, amount: $a}) }", {"n": "x"}),
    ("query ($n: String!, $a: Int) { echo(wish: {name: $n, amount: $a}) }", {"n": "x", "a": None}),
    ("query ($x: [[Int!]!]) { echo(wish: {name: \"\"}, numbers: $x) }", {"x": 5}),
    ("query ($x: [[Int!]!]) { echo(wish: {name: \"\"}, numbers: $x) }", {"x": [1, [2, 3]]}),
    ("query ($x: [[Int!]!]) { echo(wish: {name: \"\"}, numbers: $x) }", {"x": [[None]]}),
    ("query ($e: Even) { halved(even: $e) }", {}),
    ("query ($e: Even = 8) { halved(even: $e) }", {}),
    ("query ($e: Even = 8) { halved(even: $e) }", {"e": None}),
    ("query ($e: Even) { halved(even: $e) }", {"e": 3}),
    ("query ($e: Even) { halved(even: $e) }", {"e": 12}),
    ("query ($n: String) { halved(name: $n) }", {}),
    ("query ($n: String) { halved(name: $n) place }", {"n": None}),
    ("query ($by: ByOne!) { one(by: $by) }", {"by": {"name": "x"}}),
    ("query ($by: ByOne!) { one(by: $by) }", {"by": {"name": "x", "number": None}}),
    ("query ($by: ByOne!) { one(by: $by) }", {"by": {"number": None}}),
    ("query ($n: Int! = 2) { many(n: $n) { name } }", {}),
    ("query ($n: Int! = 2) { many(n: $n) { name } }", {"n": 1.0}),
    ("query ($n: String!) { a: one(by: {name: $n}) b: echo(wish: {name: $n, more: {name: $n}}) }", {"n": "x"}),
    ("query ($n: String!) { a: one(by: {name: $n}) b: echo(wish: {name: $n, more: {name: $n}}) }", {"n": "y"}),
    ("query ($n: String!, $c: Colour!) { echo(wish: {name: $n, colours: [$c, RED]}) }", {"n": "x", "c": "BLUE"}),
    ("query ($n: String!, $c: Colour!) { echo(wish: {name: $n, colours: [$c, RED]}) }", {"n": "x", "c": "RED"}),
    (CHOOSING, {"t": True}),
    (CHOOSING, {"t": False}),
    (CHOOSING_TWICE, {"u": True}),
    (CHOOSING_TWICE, {"u": True, "t": False}),
    ("mutation ($n: String!) { pack(name: $n) { name sure boxesWithin { name } } }", {"n": "x"}),
    ("mutation ($n: String!) { pack(name: $n) { name sure boxesWithin { name } } }", {"n": "void"}),
    ("mutation { a: pack(name: \"a\") { lengthOf } drop { name } b: pack(name: \"void\") { number lengthOf } }", {}),
]  # fmt: skip


async def same(text: str, **variables: Any) -> None:  # noqa: ANN401 - JSON.
    expected, _ = await ask(by_reference, text, variables)
    found, _ = await ask(by_plan, text, variables)
    assert found == expected


@pytest.mark.parametrize("name", COMPILED)
async def test_what_is_sound_runs_compiled(name: str) -> None:
    for _ in range(2):
        await same(COMPILED[name])
        assert meter.last == "compiled"


@pytest.mark.parametrize("name", REFERENCE)
async def test_what_is_not_falls_back(name: str) -> None:
    for _ in range(2):
        await same(REFERENCE[name])
        assert meter.last == ("introspection" if name == "introspection" else "error")


@pytest.mark.parametrize(("text", "variables"), VARIABLES)
async def test_variables_are_coerced_alike(text: str, variables: dict[str, Any]) -> None:
    await same(text, **variables)


async def test_one_document_is_asked_with_ever_other_variables() -> None:
    for text in dict.fromkeys(text for text, _ in VARIABLES):
        for _, variables in [given for given in VARIABLES if given[0] == text] * 2:
            await same(text, **variables)


@pytest.mark.parametrize("name", VALUES)
async def test_values_of_leaves_are_written_alike(name: str) -> None:
    """All in one list, and each alone: a bad one is an error, and a good one no reason to fall back."""
    key = f"bad{name[4:].title()}" if name.startswith("bad_") else name
    await same(f"{{ values {{ {key} }} }}")
    for n in range(len(VALUES[name][1])):
        await same(f"{{ values {{ {key}{n} }} }}")
        assert name.startswith("bad") or meter.last == "compiled"


async def test_a_level_is_one_call_for_the_distinct_rows_of_all_objects() -> None:
    _, toys = await ask(by_plan, '{ many { boxesWithin { lengthOf a: lengthOf(unit: "m") } } }', {})
    assert toys.calls == [("boxes", 300), ("length", 200), ("length", 200)]


async def test_what_a_client_writes_never_becomes_source() -> None:
    await same('{ __import__: box { print: name lambda: number } class: echo(wish: {name: "{0} \\" \\n import os"}) }')
