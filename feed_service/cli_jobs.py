"""What `feed-service jobs` prints: regular work, and every job that is not done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import orjson

from feed_service.cli_database import on_database
from feed_service.database import ReadDatabase
from feed_service.jobs.duties import DUTIES
from feed_service.operations.figures import duration
from feed_service.queries import jobs

HEAD = ("id", "kind", "state", "every", "last run", "took", "next", "runs", "attempts", "failures", "last error")


@click.command("jobs")
@click.option("--json", "is_json", is_flag=True, help="A line of JSON for each.")
def jobs_command(*, is_json: bool) -> None:
    """List regular work and the jobs that are not done: how often, when, how long, and the last error of each."""

    async def work(url: str) -> Sequence[Any]:
        reading = ReadDatabase.connect(url, pool_size=1)
        try:
            return await reading.rows(jobs.listed(), {"kinds": [duty.name for duty in DUTIES]})
        finally:
            await reading.close()

    rows = [dict(row.items()) for row in on_database(work)]
    if is_json:
        for row in rows:
            click.echo(orjson.dumps(row, option=orjson.OPT_UTC_Z))
    else:
        for line in aligned([HEAD, *map(told, rows)]):
            click.echo(line)


def told(row: dict[str, Any]) -> tuple[str, ...]:
    """The words of a line."""
    now: datetime = row["now"]
    late = f"due for {duration(row['lag_s'])}" if row["lag_s"] else ""
    due = late or ("" if row["shown"] in {"running", "failed"} else f"in {duration(row['run_after'] - now)}")
    state = f"{row['shown']} at {row['step']}" if row["step"] else row["shown"]
    return (
        str(row["id"]),
        row["kind"],
        state,
        duration(row["every_s"]) if row["every_s"] else "once",
        f"{duration(now - row['ran_at'])} ago" if row["ran_at"] else "",
        duration(row["took_s"]) if row["took_s"] is not None else "",
        due,
        f"{row['runs']:,}" if row["every_s"] else "",
        f"{row['attempts']:,}",
        f"{row['failures']:,}",
        row["error"] or "",
    )


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
