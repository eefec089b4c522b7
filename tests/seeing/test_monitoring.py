"""The dashboard and the alerts name metrics that `/metrics` has, with labels that they have."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from feed_service.exposition import DatabaseFigures
from feed_service.gates import Gate
from feed_service.metering import Spread, StatementTally
from feed_service.observability import Metrics, Tally

MONITORING = Path(__file__).parent.parent.parent / "docs" / "monitoring"

OF_SCRAPING = {"le", "instance"}


def known() -> dict[str, set[str]]:
    """Every sample there can be, and its labels."""
    metrics = Metrics()
    meters, tally = metrics.meters, StatementTally("queries.feeds.by_time", "SELECT")
    meters.statements["SELECT"], meters.operations["Feed"], meters.pools["read"] = tally, Spread(), Gate(10)
    tally.errors = meters.repeats["Feed", tally, "feed"] = meters.errors["Feed", "TIMEOUT"] = 1
    meters.outcomes["executed"] = meters.polls["empty"] = meters.batches["users.by_id"].asked = 1
    metrics.cache.read("tag_stats", "hit", 1)
    metrics.cache.failed("tag_stats", "get")
    metrics.operations.reference("error")
    metrics.entities.tallies["users"] = Tally()
    figures = DatabaseFigures([("publish", 0.0, 0, 0)], {"post_stats.like_count": 1}, 1, {"post_views": 1})
    text = (metrics.text() + metrics.text_of(figures)).decode()
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys()
    return found


def expressions(told: Any) -> Iterator[str]:  # noqa: ANN401 - JSON.
    if isinstance(told, dict):
        yield from (value for key, value in told.items() if key == "expr")
        for value in told.values():
            yield from expressions(value)
    elif isinstance(told, list):
        for value in told:
            yield from expressions(value)


DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text())


@pytest.mark.parametrize("expression", sorted({*expressions(DASHBOARD), *expressions(ALERTS)}))
def test_metrics_and_labels_are_there(expression: str) -> None:
    there = known()
    names = re.findall(r"\b(?:feed|process)_\w+", expression)
    assert names
    for name in names:
        assert name in there, name
    labels = {label for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(", ")}
    labels |= set(re.findall(r"(\w+)=~?\"", expression))
    assert labels <= set.union(OF_SCRAPING, *(there[name] for name in names))


def test_every_panel_has_its_place_and_every_alert_says_what_to_do() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    covered = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(covered) == len(set(covered))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    (group,) = ALERTS["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"]["summary"].endswith("."), rule
        assert rule["annotations"]["description"].endswith(("?", ".")), rule
