"""The command that shows what an operation asks of the database."""

import sys
from collections.abc import Callable
from typing import Any, TextIO

import click
import orjson

from feed_service.accounts.viewers import viewer_named
from feed_service.app import desk_of, signing_keys
from feed_service.cli_database import on_database
from feed_service.database import ReadDatabase
from feed_service.errors import BadUserInput
from feed_service.explained import Explainer, Question
from feed_service.operations.explained_text import markdown, terminal
from feed_service.operations.explaining import STATEMENT_S
from feed_service.operations.explanations import Explained
from feed_service.settings import Settings
from feed_service.viewer import ANONYMOUS, Viewer

FORMATS: dict[str, Callable[[Explained], str]] = {
    "table": terminal,
    "markdown": markdown,
    "json": lambda explained: orjson.dumps(explained, option=orjson.OPT_INDENT_2).decode() + "\n",
}


@click.command("explain")
@click.argument("query", type=click.File("r", encoding="utf-8"))
@click.option("--as", "username", metavar="USER", help="Who asks; without, somebody who is not signed in.")
@click.option("--variables", default="{}", metavar="JSON", help="An object of variables.")
@click.option("--operation", metavar="NAME", help="The operation, if the document has several.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="table", show_default=True)
@click.option("--analyze/--no-analyze", default=True, help="Run every statement once more, to measure its plan.")
@click.option("--values", is_flag=True, help="Show the values of the statements, which may be personal.")
@click.option(
    "--limit", "limit_s", type=click.FloatRange(0.1, 30), default=STATEMENT_S, show_default=True,
    help="Seconds that a statement may take.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit with 1 if there is any verdict but fine.")
def explain(
    query: TextIO, username: str | None, variables: str, operation: str | None, form: str, *,
    analyze: bool, values: bool, limit_s: float, strict: bool,
) -> None:  # fmt: skip
    """Show every SQL statement of the query in the file QUERY (- for standard input), with its plan and a verdict.

    The query is executed as the service executes it, for USER, with nothing in its caches, on connections that cannot
    write. Each statement is then run once more by EXPLAIN ANALYZE, in a transaction that is rolled back.
    """
    document, given = query.read(), variables_of(variables)

    async def work(url: str) -> Explained:
        settings = Settings.from_environment()
        signing = signing_keys(settings)
        viewer = await viewer_on(url, username) if username else ANONYMOUS
        desk = desk_of(settings, signing)
        try:
            return await Explainer(url, signing.cursor, desk, is_compiled=settings.is_compiled).explained(
                Question(document, given, operation, viewer, username, analyze, values, limit_s)
            )
        finally:
            await desk.close()

    explained = on_database(work)
    click.echo(FORMATS[form](explained), nl=False)
    if strict and not explained.is_fine:
        sys.exit(1)


def variables_of(text: str) -> dict[str, Any]:
    """Raises BadUserInput."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadUserInput(f"--variables is not valid JSON: {error.msg}.") from None
    if not isinstance(found, dict):
        raise BadUserInput('--variables must be an object, as {"first": 20}.')
    return found


async def viewer_on(url: str, username: str) -> Viewer:
    """Raises NotFound."""
    database = ReadDatabase.connect(url, pool_size=1)
    try:
        return await viewer_named(database, username)
    finally:
        await database.close()


COMMANDS = (explain,)
