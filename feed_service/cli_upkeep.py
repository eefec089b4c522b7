"""The commands of the operator: work in the background, jobs that failed, the audit trail, the end of accounts."""

import asyncio
import signal
from typing import Any, BinaryIO, ParamSpec, TypeVar

import click
import orjson

from feed_service import preparing
from feed_service.cli_database import on_database
from feed_service.cli_jobs import jobs_command
from feed_service.commands import account_deletion, audit, audit_trail, jobs
from feed_service.commands.audit_trail import Head
from feed_service.commands.transaction import Command, Writer
from feed_service.errors import BadUserInput, NotFound
from feed_service.jobs.worker import work_until
from feed_service.transactions import Statements, Work, WriteDatabase
from feed_service.viewer import ANONYMOUS

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


@click.command()
def worker() -> None:
    """Do jobs and regular duties until SIGTERM or Ctrl-C, and serve nothing.

    `serve` does them as well, unless FEED_JOBS is off.
    """

    async def work(url: str) -> None:
        await preparing.prepare(url, may_migrate=False, demo_wanted=False)
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        await work_until(url, stopped)

    on_database(work)


@click.command("retry-job")
@click.argument("job_id", type=int, metavar="ID")
def retry_job(job_id: int) -> None:
    """Have a failed job tried again, from the step that failed, or regular work done now."""
    if not done(jobs.retry, job_id):
        raise NotFound(f"There is no failed or regular job {job_id}.")


@click.command("delete-account")
@click.argument("username")
@click.confirmation_option(prompt="The account cannot be brought back. Delete it?")
def delete_account(username: str) -> None:
    """Delete an account, for ever: hidden at once, emptied by a job that `serve` or `worker` does."""
    click.echo(f"{username} is hidden. Job {done(account_deletion.delete_named, username)} does the rest.")


@click.group("audit")
def audit_group() -> None:
    """Verify and read the audit trail."""


@audit_group.command()
@click.option("--heads", type=click.File("rb"), help="What `audit heads` printed some time ago.")
def verify(heads: BinaryIO | None) -> None:
    """Follow every chain of the trail; print what does not fit, and exit with 1 if there is anything."""
    noted = [] if heads is None else [read_head(line) for line in heads]
    verdict = in_snapshot(lambda sql: audit_trail.verify(sql, noted))
    for fault in verdict.faults:
        click.echo(str(fault))
    forgotten = f", {verdict.forgotten:,} events forgotten before" if verdict.forgotten else ""
    click.echo(f"{verdict.events:,} events, {len(verdict.faults):,} faults{forgotten}", err=True)
    if verdict.faults:
        raise SystemExit(1)


@audit_group.command("heads")
def heads_command() -> None:
    """Print where every chain ends. Keep it elsewhere: nobody can rewrite what is before it unseen."""

    async def work(sql: Statements) -> list[Head]:
        return [head async for head in audit_trail.heads(sql)]

    for head in in_snapshot(work):
        click.echo(orjson.dumps([head.stream, head.length, head.last_hash.hex()]))


@audit_group.command()
@click.option("--subject", nargs=2, type=(str, int), metavar="KIND ID", help="About this, as: user 17.")
@click.option("--actor", type=int, metavar="ID", help="What this user did.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
def show(subject: tuple[str, int] | None, actor: int | None, limit: int) -> None:
    """Print the newest events as lines of JSON, with what personal data can still be read."""
    if (subject is None) == (actor is None):
        raise click.UsageError("Name a --subject or an --actor, not both.")

    async def work(sql: Statements) -> list[dict[str, Any]]:
        if subject is not None:
            return await audit_trail.about(sql, *subject, limit)
        return await audit_trail.of_stream(sql, audit.stream_of(actor), limit)

    for event in in_snapshot(work):
        click.echo(orjson.dumps(event, option=orjson.OPT_UTC_Z))


def read_head(line: bytes) -> Head:
    """Raises BadUserInput."""
    try:
        stream, length, last_hash = orjson.loads(line)
        return Head(stream, length, bytes.fromhex(last_hash))
    except (ValueError, TypeError) as error:
        raise BadUserInput("This is not what `audit heads` printed.") from error


def in_snapshot(work: Work[Answer]) -> Answer:
    """Run reading work that sees one state of the database, however long it takes."""

    async def run(url: str) -> Answer:
        reading = WriteDatabase.connect(url, pool_size=1)
        try:
            return await reading.transact(work, isolation="repeatable_read")
        finally:
            await reading.close()

    return on_database(run)


def done(command: Command[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
    """What a command answers that nobody in particular gives."""

    async def work(url: str) -> Answer:
        writing = WriteDatabase.connect(url, pool_size=1)
        try:
            return await Writer(writing, ANONYMOUS, "feed-service").run(command, *args, **kwargs)
        finally:
            await writing.close()

    return on_database(work)


COMMANDS = (worker, jobs_command, retry_job, audit_group, delete_account)
