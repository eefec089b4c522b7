"""The command that compares numbers with a recount."""

import click
import orjson

from feed_service.cli_database import on_database
from feed_service.commands.reconcile import Tally, reconcile
from feed_service.commands.transaction import Writer
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS


@click.command("reconcile")
@click.option("--repair", is_flag=True, help="Put right what is wrong, with an event in the audit trail for each row.")
@click.option("--sample", type=click.IntRange(1), help="Look at so many things of each kind only, chosen by chance.")
def reconcile_command(*, repair: bool, sample: int | None) -> None:
    """Compare all stored numbers, ranks and words with a recount, beside whoever writes.

    Prints a line of JSON for each row that is wrong; exits with 1 if there is any, unless it was put right.
    """
    tally = Tally()

    async def work(url: str) -> None:
        database = WriteDatabase.connect(url, pool_size=1)
        try:
            writer = Writer(database, ANONYMOUS, "feed-service reconcile")
            async for row in reconcile(writer, tally, sample=sample, may_repair=repair):
                click.echo(orjson.dumps(row.facts()))
        finally:
            await database.close()

    on_database(work)
    for line in tally.lines():
        click.echo(line, err=True)
    if tally.drift and not repair:
        raise SystemExit(1)


COMMANDS = (reconcile_command,)
