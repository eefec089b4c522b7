"""The command that shows the monthly partitions, and sees to them at once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from feed_service.cli_database import on_database
from feed_service.commands.forgetting_partitions import drop_partitions
from feed_service.commands.partitions import create_partitions, listed
from feed_service.commands.transaction import Writer
from feed_service.models.partitions import Partition, missing
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS


@click.command("partitions")
@click.option("--ensure", is_flag=True, help="Make now what is missing, however long it takes, and drop what is due.")
@click.option(
    "--audit-months",
    type=click.IntRange(1),
    metavar="N",
    help="With --ensure: drop months of the audit trail, too, that ended N months ago or more. It is kept otherwise.",
)
def partitions_command(*, ensure: bool, audit_months: int | None) -> None:
    """List the monthly partitions of views, audit trail and change log; exit with 1 if one is missing.

    They are made and dropped by themselves, by `serve` or `worker`.
    """
    if audit_months is not None and not ensure:
        raise click.UsageError("--audit-months needs --ensure.")

    async def work(url: str) -> list[Partition]:
        database = WriteDatabase.connect(url, pool_size=1)
        writer = Writer(database, ANONYMOUS, "feed-service partitions")
        try:
            while ensure and await writer.run(create_partitions, is_patient=True):
                pass
            while ensure and await writer.run(drop_partitions, audit_months=audit_months):
                pass
            return await writer.run(listed)
        finally:
            await database.close()

    found = on_database(work)
    for line in lines(found):
        click.echo(line)
    absent = missing(found, datetime.now(UTC))
    for monthly, month in absent:
        click.echo(f"{monthly.named(month)} is missing", err=True)
    if absent:
        raise SystemExit(1)


def lines(found: Sequence[Partition]) -> Iterator[str]:
    """`name  from  to  rows  size`, in columns."""
    width = max(len(one.name) for one in found)
    for one in found:
        first = f"{one.begins_at.astimezone(UTC):%Y-%m-%d}" if one.begins_at else ""
        end = f"{one.ends_at.astimezone(UTC):%Y-%m-%d}" if one.ends_at else ""
        yield f"{one.name:{width}}  {first:10}  {end:10}  {one.rows:>12,} rows  {one.bytes / 2**20:>10,.1f} MB"


COMMANDS = (partitions_command,)
