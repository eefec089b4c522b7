"""`make report` on a tiny site: each optimisation runs off and on, answers alike, and does what it says."""

import json
from typing import Any

from sqlalchemy import make_url

from benchmarks.optimisations.all import OPTIMISATIONS
from benchmarks.optimisations.page import page
from benchmarks.optimisations.trial import Effort
from benchmarks.report import PAGE, RESULTS, measured
from feed_service.database import create_engine
from feed_service.imports.seed import SeedPlan, seed

TINY = SeedPlan(users=100, posts=400, comments=1_500, likes=3_000, follows=2_000)
SHORTEST = Effort(rounds=1, block_s=0.001, most_s=0.001)

LESS_WITH_IT_ON = {
    "Loaders": "statements",
    "Rows beside rows": "statements",
    "Columns that are asked for": "pages",
    "Caches": "statements",
    "Keyset": "rows",
    "Indexes": "rows",
    "Stat rows": "rows",
}
"""What each optimisation saves even on a tiny site; the others save time, which no test measures."""

MACHINE = {"at": "2026-01-01", "cpu": "a machine", "cores": 2, "postgres": "18", "python": "3.11"} | {
    "load_before": 0.1,
    "packages": {"sqlalchemy": "2", "asyncpg": "0", "graphql-core": "3"},
}


async def test_every_optimisation_answers_as_without_it_and_saves_what_it_says(module_database_url: str) -> None:
    engine = create_engine(module_database_url)
    await seed(engine, TINY, lambda *_: None)
    await engine.dispose()
    plain = make_url(module_database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    report = await measured(plain, SHORTEST, OPTIMISATIONS)
    results = {one["name"]: one["results"] for one in report["optimisations"]}
    assert list(results) == [one.name for one in OPTIMISATIONS]
    assert all(found and all(result["compared"] for result in found) for found in results.values())
    assert {name: saved(results[name], what) for name, what in LESS_WITH_IT_ON.items()} == dict.fromkeys(
        LESS_WITH_IT_ON, True
    )
    shown = page({"machine": MACHINE, **report})
    assert all(f"## {one.name}\n" in shown for one in OPTIMISATIONS)


def test_the_page_shows_what_was_measured_and_nothing_else() -> None:
    """Nobody edits figures by hand."""
    assert PAGE.read_text() == page(json.loads(RESULTS.read_text()))


def saved(results: list[dict[str, Any]], what: str) -> bool:
    """Over all cases; nobody may count statements and pages."""
    off, on = ([result[side]["counts"][what] for result in results] for side in ("off", "on"))
    return None in off or sum(on) < sum(off)
