"""`make report`: what each optimisation of the service is worth, measured off and on in one run, as a table.

Answers are compared by value first; runs take turns; the figures are medians. See docs/optimisation-report.md, which
this command writes.
"""

import argparse
import asyncio
import gc
import json
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import uvloop

from benchmarks.bench import vacuumed
from benchmarks.feed_sql import SEEDED, database
from benchmarks.machine import described
from benchmarks.optimisations.all import OPTIMISATIONS
from benchmarks.optimisations.cases import Optimisation
from benchmarks.optimisations.counting import Counter
from benchmarks.optimisations.ground import Ground, ground_on
from benchmarks.optimisations.page import page, section
from benchmarks.optimisations.trial import Effort, tried
from benchmarks.polling import copy_of
from benchmarks.served import CHECKOUT
from feed_service.embedded.signals import unwinding
from feed_service.imports.seed import SeedPlan

RESULTS = Path(__file__).parent / "results" / "optimisations.json"
PAGE = CHECKOUT / "docs" / "optimisation-report.md"
COPY = "bench_report"
WHOLE, QUICK = Effort(rounds=5, block_s=0.5, most_s=8.0), Effort(rounds=3, block_s=0.1, most_s=0.8)
FOLDER = Path(".data/benchmark")
SMALL = SeedPlan(users=4_000, posts=20_000, comments=80_000, likes=200_000, follows=80_000)
TABLES = ("users", "posts", "comments", "post_likes", "user_follows")


def main() -> None:
    with unwinding():
        run(arguments().parse_args())


def arguments() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__)
    found.add_argument("--url", help="a seeded database, which stays as it is; its server gets a copy of it")
    found.add_argument("--in-place", action="store_true", help="no copy: people come and go in the database at --url")
    found.add_argument("--folder", type=Path, help=f"where a seeded database is kept without --url; {FOLDER}")
    found.add_argument("--only", help="names of optimisations, or their beginnings, separated by commas")
    found.add_argument(
        "--quick", action="store_true", help="on 20,000 posts, in a minute: to see that it works; nothing is written"
    )
    return found


def run(given: argparse.Namespace) -> None:
    begun = perf_counter()
    logging.getLogger("feed_service").setLevel(logging.ERROR)  # It warns of N+1, which is what is measured.
    folder = given.folder or (FOLDER.with_name("benchmark-small") if given.quick else FOLDER)
    with (
        database(given.url, folder, SMALL if given.quick else SEEDED) as url,
        nullcontext(url) if given.in_place else copy_of(url, COPY) as copy,
    ):
        plain = copy.replace("postgresql+asyncpg:", "postgresql:")
        asyncio.run(vacuumed(plain))
        about = described(plain)
        found = uvloop.run(measured(plain, QUICK if given.quick else WHOLE, chosen(given.only)))
    report = {"machine": about, **found}
    print("", page(report), sep="\n")
    print(f"Measured in {perf_counter() - begun:.0f} s.")
    if given.quick or given.only:
        return
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(report))
    print(f"Written: {RESULTS.relative_to(CHECKOUT)}, {PAGE.relative_to(CHECKOUT)}")


def chosen(names: str | None) -> Sequence[Optimisation]:
    """Raises SystemExit for a name that there is not."""
    if names is None:
        return OPTIMISATIONS
    wanted = [name.strip().lower() for name in names.split(",")]
    found = [one for one in OPTIMISATIONS if one.name.lower().startswith(tuple(wanted))]
    if len(found) < len(wanted):
        raise SystemExit(f"The optimisations are: {', '.join(one.name for one in OPTIMISATIONS)}.")
    return found


async def measured(url: str, effort: Effort, what: Sequence[Optimisation]) -> dict[str, Any]:
    """The sizes of the site, and the results of each optimisation. Raises Differs."""
    counter = await Counter.open(url)
    try:
        async with ground_on(url) as ground:
            return {
                "sizes": await sizes(counter.connection),
                "optimisations": [await one_measured(one, ground, counter, effort) for one in what],
            }
    finally:
        await counter.close()


async def one_measured(one: Optimisation, ground: Ground, counter: Counter, effort: Effort) -> dict[str, Any]:
    begun = perf_counter()
    async with one.cases(ground) as cases:
        gc.freeze()
        results = [asdict(await tried(case, counter, effort)) for case in cases]
    found = {"name": one.name, "off": one.off, "on": one.on, "results": results}
    print("", *section(found), f"({perf_counter() - begun:.0f} s)", sep="\n", flush=True)
    return found


async def sizes(connection: asyncpg.Connection) -> dict[str, int]:
    """Rows of the largest tables; the counters are told of this reading before anything else is counted."""
    found = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608 - our own words.
    await connection.execute("SELECT pg_stat_force_next_flush()")
    return {table.removeprefix("post_").removeprefix("user_"): count for table, count in found.items()}


if __name__ == "__main__":
    main()
