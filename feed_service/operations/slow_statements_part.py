"""Slow statements as they are shown."""

from feed_service.operations import figures
from feed_service.operations.parts import Part, Table
from feed_service.operations.slow_statements import SlowStatement, SlowStatements

BRIEF = 60
"""Characters of a text in a table of many columns."""

COLUMNS = (
    "statement",
    "operations",
    "#calls",
    "#total ms",
    "#share",
    "#mean ms",
    "#longest ms (ever)",
    "#rows/call",
    "#blocks hit",
    "#blocks read",
    "text",
)


def slow_statements_part(found: SlowStatements) -> Part:
    lines = [*found.notes]
    if found.obstacle:
        lines += [found.obstacle, f"To see them: {found.remedy}"]
    if found.until:
        since = figures.moment(found.since, "an unknown moment")
        spent = figures.duration(found.total_ms / 1_000)
        whole = f"{found.calls:,} calls took {spent} in PostgreSQL, waits for locks included"
        lines.insert(0, f"Of this database, from {since} to {figures.moment(found.until)}: {whole}.")
    table = Table("By total time", COLUMNS, [_row(each) for each in found.statements])
    return Part("statements", "Slow statements", lines, [table])


def _row(each: SlowStatement) -> tuple[str, ...]:
    return (
        figures.listed(each.names) or "not one of the service's",
        figures.listed(each.operations) or figures.NONE,
        f"{'≤ ' if each.is_at_most else ''}{each.calls:,}",
        figures.milliseconds(each.total_ms),
        figures.share(each.share),
        figures.milliseconds(each.mean_ms),
        figures.milliseconds(each.longest_ms),
        figures.number(each.rows_per_call),
        figures.number(each.blocks_hit),
        figures.number(each.blocks_read),
        each.text if len(each.text) <= BRIEF else f"{each.text[: BRIEF - 1]}…",
    )
