"""`make simulate`: 200 clients for a minute, on a PostgreSQL of its own or a scratch database of one that is named."""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from feed_service.embedded import postgres
from feed_service.migrations import migrate
from tests.polling.simulation.plan import LARGE, Plan, Report
from tests.polling.simulation.run import simulate
from tests.scratch import scratch_database

MOST_SHOWN = 20


@contextmanager
def server(url: str | None, folder: Path, *, is_durable: bool) -> Iterator[str]:
    """Without durability, what was acknowledged could be lost in a crash."""
    if url:
        yield url
        return
    with postgres.running(folder, durable=is_durable) as running:
        yield running.dsn


async def run(server_url: str, folder: Path, plan: Plan) -> Report:
    async with scratch_database(server_url) as url:
        await migrate(url)
        return await simulate(url, folder, plan)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a server of PostgreSQL, on which a scratch database is made")
    arguments.add_argument("--seed", type=int, default=LARGE.seed)
    arguments.add_argument("--clients", type=int, default=LARGE.clients)
    arguments.add_argument("--seconds", type=float, default=LARGE.seconds)
    arguments.add_argument("--harder", action="store_true", help="do harm to the services and to PostgreSQL, too")
    given = arguments.parse_args()
    plan = replace(LARGE, seed=given.seed, clients=given.clients, seconds=given.seconds)
    plan = replace(plan, is_harder=given.harder)
    click.echo(plan)
    with (
        tempfile.TemporaryDirectory() as folder,
        server(given.url, Path(folder), is_durable=given.harder) as server_url,
    ):
        report = asyncio.run(run(server_url, Path(folder), plan))
    for name, count in sorted(report.counts.items()):
        click.echo(f"{count:>9,} {name}")
    click.echo(f"in the stampede: {dict(report.stampede)}")
    click.echo(f"{report.looked_at:>9,} posts looked at")
    for kind in ("errors", "wrong", "differences", "complaints"):
        found: list[str] = getattr(report, kind)
        click.echo("\n          ".join([f"{len(found):>9,} {kind}", *found[:MOST_SHOWN]]))
    raise SystemExit(bool(report.faults))


if __name__ == "__main__":
    main()
