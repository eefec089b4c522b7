"""The commands for bulks: a file of NDJSON in, an outcome for each line out."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, BinaryIO

import click

from feed_service.cli_database import on_database
from feed_service.cli_upkeep import done
from feed_service.commands.bulk import uploads
from feed_service.commands.bulk.kinds import KINDS, Kind
from feed_service.commands.bulk.receiving import receive
from feed_service.commands.transaction import Writer
from feed_service.errors import OutputLost
from feed_service.exports.engagement import engagement
from feed_service.exports.output import to_standard_output
from feed_service.exports.stream import ExportDatabase
from feed_service.jobs.bulk import carry_out
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS

PIECE_BYTES = 1 << 16

output_option = click.option(
    "--output", type=click.File("wb"), default="-", help="Where outcomes go; standard output unless given."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Tell what would become of each line, and change nothing."
)


@click.group("bulk")
def bulk_group() -> None:
    """Have many lines done, each of which gets an outcome: docs/bulk.md.

    What was taken in goes on after a crash, in the next process that serves or works, or by `bulk outcomes`.
    """


def command_for(kind: Kind) -> click.Command:
    @click.command(kind.name, help=f"{kind.about}: FILE is NDJSON, standard input unless given.")
    @click.argument("file", type=click.File("rb"), default="-")
    @dry_run_option
    @output_option
    def command(file: BinaryIO, output: BinaryIO, *, dry_run: bool) -> None:
        async def taken_in(writer: Writer) -> int:
            return await receive(writer, kind, pieces(file), is_dry_run=dry_run)

        carried_out(taken_in, output)

    return command


@bulk_group.command()
@click.argument("bulk_id", metavar="ID", type=int)
@output_option
def outcomes(bulk_id: int, output: BinaryIO) -> None:
    """Print what became of each line of bulk ID, from the first on, and do what is left of it."""

    async def known(_writer: Writer) -> int:
        return bulk_id

    carried_out(known, output)


@bulk_group.command()
@click.argument("bulk_id", metavar="ID", type=int)
@dry_run_option
@output_option
def undo(bulk_id: int, output: BinaryIO, *, dry_run: bool) -> None:
    """Restore the posts that bulk ID has deleted, but for those that were changed since."""

    async def begun(writer: Writer) -> int:
        return await writer.run(uploads.undo, bulk_id, is_dry_run=dry_run)

    carried_out(begun, output)


@bulk_group.command()
@click.argument("bulk_id", metavar="ID", type=int)
def cancel(bulk_id: int) -> None:
    """Do no further line of bulk ID. What is done stays done."""
    done(uploads.cancel, bulk_id)


@bulk_group.command("engagement")
@click.argument("users", nargs=-1)
@click.option("--after", help="The key of the last whole line of one that was cut off, to go on behind it.")
def engagement_command(users: tuple[str, ...], after: str | None) -> None:
    """Write what USERS, names or ids, have stirred lately; of everybody unless some are named."""

    async def work(url: str) -> int:
        exporting = ExportDatabase.connect(url, time_limit_s=0)
        try:
            return await exporting.export(engagement(users or None), to_standard_output, after=after)
        finally:
            await exporting.close()

    click.echo(f"{on_database(work):,} users", err=True)


async def pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def carried_out(begin: Callable[[Writer], Awaitable[int]], output: BinaryIO) -> None:
    """Begin a bulk, and write its outcomes until it is at its end."""

    async def work(url: str) -> Any:  # noqa: ANN401 - a record.
        writing = WriteDatabase.connect(url, pool_size=4)
        try:
            bulk_id = await begin(Writer(writing, ANONYMOUS, "feed-service"))
            click.echo(f"bulk {bulk_id}", err=True)
            return await carry_out(writing, bulk_id, lambda lines: written(output, lines, bulk_id))
        finally:
            await writing.close()

    click.echo(summary(on_database(work)), err=True)


async def written(output: BinaryIO, lines: bytes, bulk_id: int) -> None:
    """Past the buffer, which would be found to be full only when the file is closed."""
    rest = memoryview(lines)
    try:
        while rest:
            rest = rest[os.write(output.fileno(), rest) :]
    except OSError as error:
        message = f"The outcomes could not be written: {error.strerror}. `bulk outcomes {bulk_id}` prints them."
        raise OutputLost(message) from error


def summary(bulk: Any) -> str:  # noqa: ANN401 - a record.
    def numbered(numbers: dict[str, int]) -> str:
        return ", ".join(f"{number:,} {name}" for name, number in sorted(numbers.items()))

    counts, kind = bulk["counts"], f"{bulk['kind']}{', a dry run' if bulk['is_dry_run'] else ''}"
    outcomes = numbered(counts.get("outcomes", {})) or "nothing to do"
    refusals = f" ({numbered(counts['refusals'])})" if counts.get("refusals") else ""
    lines = f"{bulk['done_line_count']:,} of {bulk['line_count']:,} lines"
    return f"{kind}, {bulk['state'].lower()}: {lines}: {outcomes}{refusals}"


for each in KINDS.values():
    bulk_group.add_command(command_for(each))

COMMANDS = (bulk_group,)
