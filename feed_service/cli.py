"""The command `feed-service`: thin, it calls the rooms below."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from click._termui_impl import ProgressBar
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service import serving
from feed_service.accounts import tokens, viewers
from feed_service.app import TOKEN_LIFETIME, signing_keys
from feed_service.database import ReadDatabase, create_engine, migrate
from feed_service.embedded import postgres
from feed_service.embedded.signals import unwinding
from feed_service.errors import FeedError
from feed_service.imports import snb
from feed_service.imports.report import Report
from feed_service.imports.seed import SeedPlan, seed
from feed_service.schema.schema import printed
from feed_service.settings import Settings

Result = TypeVar("Result")


@click.group()
def cli() -> None:
    """A social feed GraphQL service on PostgreSQL.

    DATABASE_URL names the database; without it, one is kept in FEED_DATA_DIR (.data).
    """


def main() -> None:
    """What a user can correct is one sentence and exit code 1, never a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Alembic has two lines for every look at the revision, and /readyz looks often.
    logging.getLogger("alembic").setLevel(logging.WARNING)
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
    is_embedded = settings.database_url is None
    with unwinding(), database(settings) as url:
        asyncio.run(
            serving.prepare(
                url, may_migrate=is_embedded or bool(demo), demo_wanted=is_embedded if demo is None else demo
            )
        )
        serving.serve(replace(settings, database_url=url), workers)


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the tables up to date."""
    on_database(migrate)


@cli.command()
@click.argument("username")
def token(username: str) -> None:
    """Print an access token for a user, good for a day."""
    settings = Settings.from_environment()

    async def mint(url: str) -> str:
        reading = ReadDatabase.connect(url, pool_size=1)
        try:
            user_id = await viewers.user_id_named(reading, username)
        finally:
            await reading.close()
        return tokens.mint(signing_keys(settings), user_id, lifetime=TOKEN_LIFETIME, now=datetime.now(UTC))

    click.echo(on_database(mint))


@cli.command()
def schema() -> None:
    """Print the GraphQL schema."""
    click.echo(printed(), nl=False)


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


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database: the one configured, or the embedded one, started or joined for the block."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with postgres.running(settings.data_dir) as server:
        yield server.dsn


def on_database(work: Callable[[str], Coroutine[Any, Any, Result]]) -> Result:
    with unwinding(), database(Settings.from_environment()) as url:
        return asyncio.run(work(url))


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


if __name__ == "__main__":
    main()
