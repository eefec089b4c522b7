"""What one process did in a minute, as JSON: the rows of kind `service` of `models.Observation`.

They are differences of what `metering.Meters` has counted since the process began; what did not happen is left out.
"""

from collections import defaultdict
from typing import Any

from feed_service.exposition import by_name, told_by_name
from feed_service.metering import Meters, Spread
from feed_service.observability import Metrics

KIND = "service"

OURS = frozenset({"INTERNAL", "UNAVAILABLE", "TIMEOUT", "OVERLOADED"})
"""Codes of errors that are not the client's own."""

Counted = dict[str, Any]


def counted(metrics: Metrics) -> Counted:
    """All that was counted since the process began."""
    meters = metrics.meters
    codes: dict[str, int] = defaultdict(int)
    for (name, code), number in list(meters.errors.items()):
        codes[name] += number if code in OURS else 0
    return {
        "operations": {
            name: {**times(spread), "errors": codes[name]} for name, spread in list(meters.operations.items())
        },
        "statements": {name: {**times(tally.times), "rows": tally.rows} for name, tally in by_name(meters)},
        "uses": told_by_name(meters.uses),
        "repeats": told_by_name(meters.repeats),
        "outcomes": dict(meters.outcomes),
        "polls": dict(meters.polls),
        "cache": metrics.cache.reads(),
        "entities": {kind: tally.told() for kind, tally in metrics.entities.tallies.items()},
        "pools": {name: times(pool.waits) for name, pool in meters.pools.items()},
    }


def times(spread: Spread) -> Counted:
    return {"calls": spread.number, "seconds": round(spread.total, 6), "buckets": list(spread.buckets)}


def since(now: Any, before: Any) -> Any:  # noqa: ANN401 - JSON.
    """What was counted between the two; without zeros, and without what has nothing but zeros."""
    if isinstance(now, dict):
        found = {key: since(value, before.get(key) if before else None) for key, value in now.items()}
        return {key: value for key, value in found.items() if value not in (0, {}) and not is_nothing(value)}
    if isinstance(now, list):
        return [value - earlier for value, earlier in zip(now, before or [0] * len(now), strict=True)]
    return round(now - (before or 0), 6)


def is_nothing(value: object) -> bool:
    return isinstance(value, list) and not any(value)


def minute(metrics: Metrics, now: Counted, before: Counted, seconds: float) -> Counted:
    """The row of a process that counted `before` and, `seconds` later, `now`. Longest times are those of the minute."""
    meters = metrics.meters
    found: Counted = since(now, before)
    for tally in list(meters.statements.values()):
        if told := found.get("statements", {}).get(tally.name):
            told["fingerprint"] = tally.fingerprint
            told["longest"] = round(max(told.get("longest", 0.0), tally.times.longest), 6)
        tally.times.longest = 0.0
    for kind in ("uses", "repeats"):
        found[kind] = [[*names, number] for names, number in found.get(kind, {}).items()]
    found["pools"] = {name: pool_of(meters, name, found.get("pools", {}).get(name, {})) for name in meters.pools}
    return {"seconds": round(seconds, 3), **found}


def pool_of(meters: Meters, name: str, waited: Counted) -> Counted:
    pool = meters.pools[name]
    waits, total = waited.get("calls", 0), waited.get("seconds", 0.0)
    most, pool.most = max(pool.most, pool.in_use), 0
    return {"size": pool.connections, "most": most, "waits": waits, "waited": total}
