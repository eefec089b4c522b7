"""Advice about the service itself: its operations, pools and targets, its jobs, its partitions."""

from collections.abc import Iterator, Sequence

from feed_service.operations import figures
from feed_service.operations.advice import Advice
from feed_service.operations.drifting import Drifting
from feed_service.operations.months import Months
from feed_service.operations.redaction import redacted
from feed_service.operations.served import Served
from feed_service.operations.targets import Target
from feed_service.operations.upkeep import Upkeep


def on_upkeep(found: Upkeep) -> Iterator[Advice]:
    for work in found.work:
        name = work.kind if work.every_s is not None else f"{work.kind} (job {work.id})"
        if work.is_late:
            yield Advice(
                "warning",
                "jobs",
                f"{name} is late.",
                f"It was due {figures.duration(work.overdue_s)} ago, and nobody is at it.",
                "Run `feed-service worker`, or `serve` with FEED_JOBS on.",
            )
        if work.is_failing:
            retry = f"`feed-service retry-job {work.id}`." if work.state == "failed" else "It is tried again by itself."
            yield Advice(
                "warning",
                "jobs",
                f"{name} fails.",
                f"{work.attempts:,} attempts, {work.failures:,} failures; the last: {redacted(work.error or '')}",
                retry,
            )


def on_served(found: Served) -> Iterator[Advice]:
    for name, pool in sorted(found.pools.items()):
        if pool.waits:
            yield Advice(
                "warning" if pool.waited_s >= 1 else "notice",
                "connections",
                f"Requests waited for a connection ({name}).",
                f"{figures.several(pool.waits, 'time', 'times')}, {figures.duration(pool.waited_s)}; "
                f"at most {pool.most:,} of {pool.size:,} were seen in use.",
                "First what is slow (Slow statements); then a larger pool, within max_connections.",
            )
    for repeat in found.repeats:
        yield Advice(
            "warning",
            "operations",
            f"{repeat.operation} runs a statement again and again (N+1) at {repeat.path}.",
            f"{repeat.statement}, in {figures.several(repeat.operations, 'run', 'runs')} of the operation.",
            "Have a loader ask once for all keys.",
        )
    if found.cache_errors:
        yield Advice(
            "warning",
            "hits",
            "The cache could not be used.",
            f"{found.cache_errors:,} errors in the window.",
            "See the log for the reason; the service is slower without it, never wrong.",
        )


def on_targets(found: Sequence[Target]) -> Iterator[Advice]:
    for target in found:
        if target.is_met is False:
            yield Advice(
                "warning",
                "targets",
                f"A target is missed: {target.name}.",
                f"{target.measured}, where {target.wanted} is promised.",
                "Begin with Operations by time, and Slow statements.",
            )


def on_drift(found: Drifting) -> Iterator[Advice]:
    for name, rows in found.wrong.items():
        yield Advice(
            "warning",
            "drift",
            f"Stored numbers were wrong: {name}.",
            f"{figures.several(rows, 'row', 'rows')} since {found.rounds[0].began_at}; put right.",
            "Somebody wrote past the service, or a command counts wrongly: see the audit trail of these rows.",
        )


def on_months(found: Months) -> Iterator[Advice]:
    for each in found.missing:
        yield Advice(
            "critical",
            "partitions",
            f"{each.table_name} has no partition for {each.month}.",
            f"Its partitions end before {figures.moment(found.end_of(each.table_name), 'any month')}; "
            "rows of later go to the default one, which then stands in the way.",
            "Run `feed-service worker`, or `serve` with FEED_JOBS on: it makes them each hour; see Jobs if it fails.",
        )
    for part in found.misplaced:
        yield Advice(
            "warning",
            "partitions",
            f"Rows of {part.table_name} lie in its default partition.",
            f"About {figures.several(part.rows, 'row', 'rows')}, {figures.size(part.heap_bytes)} in {part.name}.",
            "There was no partition for their month: see docs/operations.md, Partitions.",
        )
