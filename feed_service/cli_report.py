"""The command that tells how the database does."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import click
import orjson

from feed_service.cli_database import on_database
from feed_service.operations.indexes import LEAST_AGE
from feed_service.operations.render_html import html
from feed_service.operations.render_markdown import markdown
from feed_service.operations.render_terminal import terminal
from feed_service.operations.report import WINDOW, Report, Wanted, heading, parts_of, report

UNITS = {"s": "seconds", "min": "minutes", "m": "minutes", "h": "hours", "d": "days"}


class Duration(click.ParamType[timedelta]):
    """A number and its unit: 10s, 15min, 1h, 7d."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)(s|min|m|h|d)", str(value))
        if found is None:
            self.fail(f"{value!r} is no duration: write 10s, 15min, 1h or 7d.", param, ctx)
        return timedelta(**{UNITS[found[2]]: float(found[1])})


DURATION = Duration()


@click.command("report")
@click.option("--format", "form", type=click.Choice(["terminal", "markdown", "html", "json"]), default="terminal")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False, writable=True), help="Write into this file.")
@click.option("--window", type=DURATION, default=WINDOW, help="What history to look at; 1h unless given.")
@click.option("--wait", type=DURATION, default=timedelta(), help="Look at statements twice, so far apart: --wait 10s.")
@click.option("--least-age", type=DURATION, default=LEAST_AGE, help="Of statistics, to call an index unused; 1d.")
def report_command(form: str, output: Path | None, window: timedelta, wait: timedelta, least_age: timedelta) -> None:
    """Tell what is slow, large, stuck or late in the database, and what to do.

    It only reads, and any role may run it; what the role may not see, the report says. One in pg_monitor sees all.
    """
    wanted = Wanted(window, wait.total_seconds(), least_age)
    seen = on_database(lambda url: report(url, wanted))
    text = written(seen, form)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def written(seen: Report, form: str) -> str:
    if form == "json":
        return orjson.dumps(seen, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n"
    title, about = heading(seen)
    if form == "markdown":
        return markdown(title, about, parts_of(seen))
    if form == "html":
        return html(title, about, parts_of(seen))
    return terminal(title, about, parts_of(seen), shutil.get_terminal_size((160, 24)).columns)


COMMANDS = (report_command,)
