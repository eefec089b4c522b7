"""Both executors give the same bytes: to generated documents, to nasty ones, and to all that the project shows."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feed_service.execution.paths import Asked, Execution
from feed_service.execution.run import Answer
from tests.api import SCHEMA, global_id
from tests.differential.cases import Case
from tests.differential.nasty import MUTATIONS, QUERIES, case_of
from tests.differential.proof import Proof, proving
from tests.differential.running import Executor, LastPath, compiled

ROOT = Path(__file__).parent.parent.parent
NUMBER = 500

SHOWN = sorted(
    [*ROOT.glob("feed_service/http/assets/examples/*.graphql"), *ROOT.glob("benchmarks/operations/*.graphql")]
)
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def proof(server_url: str, runner: asyncio.Runner) -> Iterator[Proof]:
    with proving(server_url, compiled, runner) as proof:
        yield proof


def test_generated_documents_have_the_same_answers(proof: Proof) -> None:
    difference = proof.go(NUMBER)
    assert difference is None, str(difference)
    assert proof.tally.internal == []
    assert proof.tally.share_compiled >= 0.6, str(proof.tally)


class Careless(Execution):
    """Answers in another order where somebody is asked for by id and by name."""

    async def run(self, asked: Asked[Any]) -> tuple[Any, Answer]:
        context, answer = await super().run(asked)
        return context, replace(answer, data=turned(answer.data))


def turned(value: Any) -> Any:  # noqa: ANN401 - JSON.
    if isinstance(value, list):
        return [turned(member) for member in value]
    if not isinstance(value, dict):
        return value
    members = [(name, turned(member)) for name, member in value.items()]
    return dict(reversed(members) if "id" in value else members)


def careless() -> Executor:
    return Executor(Careless(SCHEMA, None, last := LastPath()), last)


def test_a_careless_executor_is_found_out(server_url: str, runner: asyncio.Runner) -> None:
    with proving(server_url, careless, runner) as proof:
        difference = proof.go(NUMBER)
    assert difference is not None
    assert difference.reference.path == "reference"
    assert len(re.findall(r"\w+", difference.case.text)) < 20, difference.case.text


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("t", [True, False])
def test_nasty_queries_have_the_same_answers(proof: Proof, name: str, t: bool) -> None:
    refused = proof.tally.refused
    difference = proof.look(case_of(proof.copies.village, proof.stock.tokens, name, t=t))
    assert difference is None, str(difference)
    assert proof.tally.refused == refused, "it proves nothing"


def test_nasty_mutations_have_the_same_answers_and_leave_the_same(proof: Proof) -> None:
    """Twice, as the second time nothing may be kept that was true the first time only."""
    for name in [*MUTATIONS, *MUTATIONS]:
        difference = proof.look(case_of(proof.copies.village, proof.stock.tokens, name))
        assert difference is None, f"{name}: {difference}"


def shown_documents() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every document that the project shows or measures, by where it stands, and the variables shown with it."""
    found = {path.name: (path.read_text(), dict[str, Any]()) for path in SHOWN}
    for page in PAGES:
        text = page.read_text()
        blocks = [
            part for block in re.findall(r"```graphql\n(.*?)```", text, re.DOTALL) for part in block.split("\n\n")
        ]
        sent = [
            json.loads(body.replace("\n", "")) for body in re.findall(r'(\{"query".*?\})(?=\'|\nEND)', text, re.DOTALL)
        ]
        shown = [*((block, {}) for block in blocks), *((each["query"], each.get("variables", {})) for each in sent)]
        found |= {f"{page.name} {n}": each for n, each in enumerate(shown)}
    return found


@pytest.mark.parametrize("where", shown_documents())
def test_no_document_of_the_project_falls_back(proof: Proof, where: str) -> None:
    text, variables = shown_documents()[where]
    village, kind = proof.copies.village, re.search(r"feed(?:Head|Changes)?\(kind: (\w+)", text)
    post, user = global_id(village.posts["p0"]), global_id(village.people["ann"])
    since = proof.stock.tokens["dan", kind[1] if kind else post][0]
    given = {"since": since, "id": user if "user(by" in text else post, "words": "bread"} | variables
    compiled_before = proof.tally.compiled
    difference = proof.look(Case(text, "dan", {name: value for name, value in given.items() if f"${name}" in text}))
    assert difference is None, str(difference)
    assert proof.tally.compiled == compiled_before + 1
