"""The command that tells what people did with the posts of authors, tags or categories."""

from collections.abc import Iterator, Sequence
from typing import Any

import click
import orjson

from feed_service import loaders
from feed_service.cache import read_through
from feed_service.cli_database import on_database
from feed_service.database import ReadDatabase
from feed_service.errors import NotFound
from feed_service.loaders.batching import Reader
from feed_service.queries.analytics import CHANGES, FOLLOWERS, WINDOWS
from feed_service.queries.windows import COUNTS
from feed_service.viewer import Role, Viewer
from feed_service.vocabulary import AnalyticsWindow

OPERATOR = Viewer(0, Role.ADMIN)
"""Sees those who are suspended, too."""

BATCHES: dict[str, tuple[Any, Any]] = {
    "author": (loaders.users.by_username, loaders.analytics.by_author_id),
    "tag": (loaders.tags.by_slug, loaders.analytics.by_tag_id),
    "category": (loaders.tags.category_by_slug, loaders.analytics.by_category_id),
}
"""What finds the subjects by their names, and what tells of them."""

NUMBERS = dict.fromkeys(WINDOWS, (*COUNTS, FOLLOWERS, "reactions_per_view")) | {"change": tuple(CHANGES.values())}


@click.command("engagement")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.option("--by", type=click.Choice([*BATCHES]), default="author", show_default=True, help="What the names are of.")
@click.option(
    "--window", "days", type=click.Choice(["7", "30", "90"]), default="30", show_default=True, help="Of how many days."
)
def engagement_command(names: Sequence[str], by: str, days: str) -> None:
    """Print what people did with posts in the last days and in those before: a line of JSON for each NAME.

    NAMEs are user names, or slugs of tags or categories. `bulk engagement` tells of everybody.
    """

    async def work(url: str) -> list[Any]:
        database = ReadDatabase.connect(url, pool_size=1)
        try:
            reader = Reader(database, read_through.connect("memory://"), OPERATOR)
            return await told(reader, by, list(dict.fromkeys(map(str.lower, names))), AnalyticsWindow[f"DAYS_{days}"])
        finally:
            await database.close()

    for line in on_database(work):
        click.echo(orjson.dumps(line, option=orjson.OPT_UTC_Z))


async def told(reader: Reader, by: str, names: list[str], window: AnalyticsWindow) -> list[dict[str, Any]]:
    """Raises NotFound."""
    by_name, by_id = BATCHES[by]
    subjects = await by_name(reader, names)
    for name, subject in zip(names, subjects, strict=True):
        if subject is None:
            raise NotFound(f"There is no {by} {name}.")
    rows = await by_id(reader, [subject.id for subject in subjects], window)
    return [{by: name, **dict(facts(row))} for name, row in zip(names, rows, strict=True)]


def facts(row: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - of `queries.analytics.of_subjects`.
    for name in ("since", "as_of", "views_since", "is_capped"):
        yield as_in_json(name), getattr(row, name)
    for name, numbers in NUMBERS.items():
        yield name, {as_in_json(number): getattr(getattr(row, name), number) for number in numbers}


def as_in_json(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


COMMANDS = (engagement_command,)
