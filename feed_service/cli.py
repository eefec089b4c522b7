"""The command `feed-service`: thin, it calls the rooms below."""

import asyncio
import gc
import logging.config
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from click._termui_impl import ProgressBar
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service import (
    cli_accounts,
    cli_bulk,
    cli_engagement,
    cli_explain,
    cli_numbers,
    cli_partitions,
    cli_report,
    cli_upkeep,
    logs,
    preparing,
    serving,
)
from feed_service.accounts import tokens, viewers
from feed_service.app import signing_keys
from feed_service.cli_database import cache, database, on_database
from feed_service.database import ReadDatabase, create_engine
from feed_service.embedded.signals import unwinding
from feed_service.errors import FeedError
from feed_service.exports import own_data, tables
from feed_service.exports.output import to_standard_output
from feed_service.exports.stream import ExportDatabase
from feed_service.imports import snb
from feed_service.imports.report import Report
from feed_service.imports.seed import SeedPlan, seed
from feed_service.migrations import migrate
from feed_service.pools import SPARE, Budget
from feed_service.schema.admin.schema import printed as printed_admin
from feed_service.schema.schema import printed
from feed_service.settings import Settings


@click.group()
def cli() -> None:
    """A social feed GraphQL service on PostgreSQL.

    DATABASE_URL names the database; without it, one is kept in FEED_DATA_DIR (.data).
    """


def main() -> None:
    """What a user can correct is one sentence and exit code 1, never a traceback."""
    logging.config.dictConfig(logs.configuration("lines"))
    # What is imported stays: to look through it again and again is a third of Python's work in a bulk (2026-11-21).
    gc.freeze()
    try:
        cli()
    except FeedError as error:
        raise SystemExit(f"feed-service: {error}") from None
    except (SQLAlchemyError, OSError) as error:
        reason = getattr(error, "driver_exception", None) or error
        raise SystemExit(f"feed-service: The database cannot be used: {str(reason).splitlines()[0]}") from None


@cli.command()
@click.option("--host", help="The address to listen on; 127.0.0.1 unless given.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; PORT or 8000 unless given.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that serve.")
@click.option(
    "--demo/--no-demo",
    default=None,
    help="Migrate, and load a demo set if there are no users yet. On unless DATABASE_URL is set.",
)
def serve(host: str | None, port: int | None, workers: int, *, demo: bool | None) -> None:
    """Serve GraphQL and GraphiQL until SIGTERM or Ctrl-C."""
    settings = Settings.from_environment()
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    is_embedded, budget = settings.database_url is None, Budget.of(settings, workers)
    preparing.require_cache(settings.cache_url)
    with unwinding(), database(settings, budget.needed + SPARE) as url, cache(settings, workers) as cache_url:
        demo_wanted = is_embedded if demo is None else demo
        may_migrate = is_embedded or bool(demo)
        asyncio.run(preparing.prepare(url, may_migrate=may_migrate, demo_wanted=demo_wanted, budget=budget))
        is_alone = not is_embedded and cache_url == settings.cache_url
        serving.serve(replace(settings, database_url=url, cache_url=cache_url), workers, becomes_server=is_alone)


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the tables up to date."""

    async def work(url: str) -> None:
        await preparing.look(url)
        await migrate(url)

    on_database(work)


@cli.command()
@click.argument("username")
def token(username: str) -> None:
    """Print an access token for a user, good for 12 hours."""
    settings = Settings.from_environment()

    async def mint(url: str) -> str:
        reading = ReadDatabase.connect(url, pool_size=1)
        try:
            user_id = await viewers.user_id_named(reading, username)
        finally:
            await reading.close()
        bearer = tokens.Bearer(user_id)
        return tokens.mint(signing_keys(settings), bearer, lifetime=tokens.TRIAL_LIFETIME, now=datetime.now(UTC))

    click.echo(on_database(mint))


@cli.command()
@click.option("--admin", is_flag=True, help="That of administrators, at /admin.")
def schema(*, admin: bool) -> None:
    """Print the GraphQL schema."""
    click.echo(printed_admin() if admin else printed(), nl=False)


@cli.group("import")
def import_group() -> None:
    """Load data from elsewhere."""


@import_group.command("snb")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Stop at the first bad row, and import nothing.")
def import_snb(directory: Path, *, strict: bool) -> None:
    """Load the SNB data set of DIRECTORY; what is there already stays as it is."""
    bars = ProgressBars()
    report = loading(lambda engine: snb.import_snb(engine, directory, strict=strict, progress=bars))
    bars.close()
    show(report)


@cli.command("export")
@click.argument("table", required=False)
@click.option("--user", help="Export what this user has made instead, also if suspended.")
@click.option("--after", help="The key of the last whole line of an export that was cut off, to go on behind it.")
def export_command(table: str | None, user: str | None, after: str | None) -> None:
    """Write TABLE to standard output, as lines of JSON from one snapshot.

    The last line is a trailer with the number of rows and their SHA-256; without it, the export is not whole, and
    the exit code is not 0.
    """
    if (table is None) == (user is None):
        raise click.UsageError("Name a table or a --user, not both.")

    async def work(url: str) -> int:
        exporting, reading = ExportDatabase.connect(url, time_limit_s=0), ReadDatabase.connect(url, pool_size=1)
        try:
            source = tables.table(table) if table else await own_data.own_data_of(reading, user or "")
            return await exporting.export(source, to_standard_output, after=after)
        finally:
            await reading.close()
            await exporting.close()

    click.echo(f"{on_database(work):,} rows", err=True)


@cli.command("seed")
@click.option("--users", default=1_000, show_default=True)
@click.option("--posts", default=5_000, show_default=True)
@click.option("--comments", default=20_000, show_default=True)
@click.option("--likes", default=50_000, show_default=True)
@click.option("--follows", default=20_000, show_default=True)
@click.option("--seed", "number", default=1, show_default=True, help="Equal seeds give equal data.")
def seed_command(users: int, posts: int, comments: int, likes: int, follows: int, number: int) -> None:
    """Fill an empty database with made-up data of any size."""
    plan = SeedPlan(users, posts, comments, likes, follows, number)
    bars = ProgressBars()
    report = loading(lambda engine: seed(engine, plan, bars))
    bars.close()
    show(report)


def loading(load: Callable[[AsyncEngine], Awaitable[Report]]) -> Report:
    """Migrate, then load."""

    async def work(url: str) -> Report:
        await migrate(url)
        engine = create_engine(url, pool_size=2)
        try:
            return await load(engine)
        finally:
            await engine.dispose()

    return on_database(work)


def show(report: Report) -> None:
    for row in report.bad_rows:
        click.echo(f"left out: {row}", err=True)
    for line in report.lines():
        click.echo(line)


class ProgressBars:
    """One bar for each kind of row, on the error stream."""

    def __init__(self) -> None:
        self.kind = ""
        self.bar: ProgressBar[int] | None = None

    def __call__(self, kind: str, done: int, total: int) -> None:
        if self.bar is None or kind != self.kind:
            self.close()
            self.kind = kind
            self.bar = click.progressbar(length=max(total, 1), label=f"{kind:<24}", file=sys.stderr)
        self.bar.update(done - self.bar.pos)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.render_finish()


for command in (
    *cli_accounts.COMMANDS,
    *cli_bulk.COMMANDS,
    *cli_engagement.COMMANDS,
    *cli_explain.COMMANDS,
    *cli_numbers.COMMANDS,
    *cli_partitions.COMMANDS,
    *cli_report.COMMANDS,
    *cli_upkeep.COMMANDS,
):
    cli.add_command(command)

if __name__ == "__main__":
    main()
