"""An operation explained whole: by either executor, as its viewer may see, and without a trace."""

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from feed_service import models
from feed_service.cli_explain import explain, variables_of
from feed_service.errors import BadUserInput
from feed_service.execution.refusals import OperationRefused
from feed_service.explained import Explainer, Question
from feed_service.operations.explained_text import markdown, terminal
from tests.api import SECRET, api_on, viewer_of
from tests.desk import desk_for_tests
from tests.world import World, world_on

HOME = """
    query Home($first: Int = 20) {
        feed(kind: HOME, first: $first) {
            edges {
                reason { __typename }
                node { title author { username } tags { slug } stats { likeCount } viewerState { hasLiked }
                    commentPreview(first: 3) { body author { username } } }
            }
        }
    }
    mutation Like($id: ID!) { like(subjectId: $id) { __typename } }
"""
SEARCH = 'query { search(query: "searched-for-words", types: [POST], first: 5) { nodes { __typename } } }'
POLL = "query { feedHead(kind: HOME) { token newCount { value } } }"


async def village(world: World) -> models.User:
    ada, bob, carol = [await world.user(name) for name in ("ada", "bob", "carol")]
    await world.follow(ada, bob)
    tag = await world.tag("sql")
    await world.follow_tag(ada, tag)
    for author in (bob, carol):
        post = await world.post(author, "searched-for-words", tags=(tag,))
        await world.comment(carol, post)
        await world.like(ada, post)
    await world.count()
    return ada


async def everything(world: World) -> dict[str, str]:
    """A digest of each table."""
    digest = "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {} AS t"
    async with world.engine.connect() as connection:
        names = models.Base.metadata.tables
        return {name: str(await connection.scalar(text(digest.format(name)))) for name in names}


def explainer(url: str, *, is_compiled: bool = True) -> Explainer:
    return Explainer(url, SECRET, desk_for_tests([]), is_compiled=is_compiled)


@pytest.mark.parametrize("executor", ["compiled", "reference"])
async def test_the_home_feed_is_fine_statement_by_statement(
    world: World, empty_database_url: str, executor: str
) -> None:
    ada = await village(world)
    before = await everything(world)
    question = Question(HOME, {"first": 5}, "Home", viewer_of(ada), "ada")
    found = await explainer(empty_database_url, is_compiled=executor == "compiled").explained(question)
    assert (found.operation, found.viewer, found.executor, found.errors) == ("Home", "ada", executor, [])
    assert found.is_fine, terminal(found)
    assert len(found.statements) >= 3
    for statement in found.statements:
        assert statement.plan is not None
        assert statement.plan.is_analyzed
        assert statement.values is None
        assert statement.name.startswith("queries.")
        assert statement.name.endswith(statement.fingerprint)
        assert all(asking.path.startswith("feed") for asking in statement.asked_by), statement.asked_by
    assert await everything(world) == before


async def test_polls_and_searches_are_explained_without_the_words(world: World, empty_database_url: str) -> None:
    ada = await village(world)
    mine = explainer(empty_database_url)
    search = await mine.explained(Question(SEARCH))
    assert search.statements
    for shown in (terminal(search), markdown(search), orjson.dumps(search).decode()):
        assert "queries.search" in shown
        assert "searched-for-words" not in shown
    told = await mine.explained(Question(SEARCH, shows_values=True))
    assert "searched-for-words" in terminal(told)

    poll = Question(POLL, viewer=viewer_of(ada), is_analyzed=False)
    (error,) = (await mine.explained(poll)).errors
    assert error.startswith("The change log has no epoch"), "to give it one would be to write"
    async with api_on(empty_database_url) as api:
        await api(POLL, ada)
    found = await mine.explained(poll)
    assert found.is_fine, terminal(found)
    assert found.statements
    assert all(statement.plan and not statement.plan.is_analyzed for statement in found.statements)


async def test_what_cannot_be_explained_is_said_in_one_sentence(empty_database_url: str) -> None:
    mine = explainer(empty_database_url)
    refusals: dict[str, Question] = {
        "Only queries are explained": Question(HOME, {"id": "x"}, "Like"),
        "Name the operation": Question(HOME),
        "Cannot query field": Question("{ nothing }"),
        "Syntax Error": Question("{"),
        "Int cannot represent": Question(HOME, {"first": "many"}, "Home"),
    }
    for sentence, question in refusals.items():
        with pytest.raises((OperationRefused, BadUserInput), match=sentence):
            await mine.explained(question)
    for given in ("[1]", "{", "1"):
        with pytest.raises(BadUserInput, match="--variables"):
            variables_of(given)


async def test_an_operation_that_fails_says_so_beside_its_statements(world: World, empty_database_url: str) -> None:
    await village(world)
    async with world.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE post_stats RENAME COLUMN like_count TO liked"))
    try:
        found = await explainer(empty_database_url).explained(Question(HOME.replace("HOME", "GLOBAL"), {}, "Home"))
    finally:
        async with world.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE post_stats RENAME COLUMN liked TO like_count"))
    assert not found.is_fine
    assert found.errors
    assert any("UndefinedColumnError" in verdict.evidence for one in found.statements for verdict in one.verdicts)
    assert "UndefinedColumnError" in terminal(found)


def test_the_command_prints_it_and_is_strict_on_demand(empty_database_url: str, tmp_path: Path) -> None:
    """Not a coroutine: every command runs a loop of its own."""
    asyncio.run(filled(empty_database_url))
    document = tmp_path / "home.graphql"
    document.write_text(HOME)

    def run(*words: str) -> Result:
        environment = {"DATABASE_URL": empty_database_url, "FEED_DATA_DIR": str(tmp_path)}
        return CliRunner().invoke(explain, [str(document), "--operation", "Home", *words], env=environment)

    printed = run("--as", "ADA", "--variables", '{"first": 3}', "--strict")
    assert printed.exit_code == 0, printed
    assert printed.stdout.startswith("Home as ADA, by the compiled executor: ")
    found = json.loads(run("--as", "ada", "--format", "json", "--no-analyze").stdout)
    assert (found["operation"], found["viewer"], found["errors"]) == ("Home", "ada", [])
    assert {one["plan"]["execution_ms"] for one in found["statements"]} == {None}
    assert str(run("--as", "nobody_here").exception) == "There is no user named nobody_here."


async def filled(url: str) -> None:
    async with world_on(url) as world:
        await village(world)
