"""All advice about one report: each part is judged by the rules for it, if it is known."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from feed_service.operations import rules_running, rules_service, rules_storage
from feed_service.operations.advice import Advice, by_urgency
from feed_service.operations.asking import Unknown

RULES: Mapping[str, Callable[[Any], Iterator[Advice]]] = {
    "statements": rules_running.on_statements,
    "served": rules_service.on_served,
    "targets": rules_service.on_targets,
    "sizes": rules_storage.on_sizes,
    "indexes": rules_storage.on_indexes,
    "hits": rules_running.on_hits,
    "connections": rules_running.on_connections,
    "vacuuming": rules_storage.on_vacuuming,
    "replication": rules_running.on_replication,
    "upkeep": rules_service.on_upkeep,
    "drifting": rules_service.on_drift,
    "months": rules_service.on_months,
}

PART_OF = {"served": "operations", "vacuuming": "vacuum", "upkeep": "jobs", "drifting": "drift", "months": "partitions"}
"""What is called otherwise where it is shown."""


def advise(parts: Mapping[str, Any]) -> list[Advice]:
    """`parts`: the fields of a report. A part that is not known is a notice by itself."""
    lines: list[Advice] = []
    for name, rule in RULES.items():
        part = parts[name]
        if isinstance(part, Unknown):
            shown = PART_OF.get(name, name)
            lines.append(
                Advice("notice", shown, f"The part `{shown}` is not known.", part.reason, "See docs/operations.md.")
            )
        else:
            lines += rule(part)
    return by_urgency(lines)
