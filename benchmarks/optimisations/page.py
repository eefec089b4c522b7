"""The report as people read it: one table for each optimisation, and what the columns mean."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from benchmarks.machine import in_words

COLUMNS = ("", "statements", "rows read", "pages", "PostgreSQL ms", "p50 ms", "p95 ms", "timed", "before ÷ after")

WIDTH = 120

HEAD = """\
# What each optimisation is worth

{about}

Each optimisation runs the same questions off and on, on one database, in one run and in rounds that take turns. Before
anything is timed, the answers of both sides are compared by value: {compared:,} pairs, all equal. All figures are for
one operation, one at a time, before → after:

- *statements*, *pages* (of 8 kB, in memory or not) and *PostgreSQL ms* (planning and running): by pg_stat_statements;
- *rows read*: rows of tables and entries of indexes that scans have come to, shown or not (pg_stat_user_tables,
  pg_stat_user_indexes);
- *p50*, *p95*: latency in the process of the service, from the bytes of the request to those of the answer, or, for
  statements alone, from the call to the rows; without a socket;
- *timed*: how many operations of each side, the same ones;
- *before ÷ after*: of the medians; in brackets the least and the most of all rounds.

What is off is off alone: everything else is as the service has it, without caches unless they are what is measured.
"""

ABOUT = """\
Written by `make report`, which measures everything anew; not to be edited by hand. {machine}, load {load:g} before it
began, Python {python}, {versions}. The site: {sizes}."""


def page(report: Mapping[str, Any]) -> str:
    """Markdown, of what `benchmarks/results/optimisations.json` holds."""
    machine = report["machine"]
    versions = ", ".join(f"{name} {machine['packages'][name]}" for name in ("sqlalchemy", "asyncpg", "graphql-core"))
    compared = sum(result["compared"] for one in report["optimisations"] for result in one["results"])
    sizes = ", ".join(f"{count:,} {table}" for table, count in report["sizes"].items())
    place = {"machine": in_words(machine), "load": machine["load_before"], "python": machine["python"]}
    about = ABOUT.format(**place, versions=versions, sizes=sizes)
    head = HEAD.format(about=fill(about, WIDTH), compared=compared)
    sections = [line for one in report["optimisations"] for line in section(one)]
    return "\n".join([head, *summary(report["optimisations"]), *sections]).rstrip() + "\n"


def summary(optimisations: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ratios of each, from its least to its most."""
    lines = ["| | before ÷ after | most for |", "|---|---:|---|"]
    for one in optimisations:
        ordered = sorted(one["results"], key=lambda result: float(result["ratio"]))
        span = " to ".join(dict.fromkeys(f"{result['ratio']:.3g}" for result in (ordered[0], ordered[-1])))
        lines.append(f"| {one['name']} | {span} | {ordered[-1]['case']} |")
    return [*lines, ""]


def section(one: Mapping[str, Any]) -> list[str]:
    sides = fill(f"Off: {one['off']}. On: {one['on']}.", WIDTH)
    lines = [f"## {one['name']}", "", sides, "", *table(one["results"]), ""]
    notes = [(result["case"], result["note"]) for result in one["results"] if result["note"]]
    if len({note for _, note in notes}) == 1:
        return [*lines, f"{notes[0][1]}.", ""]
    told = (fill(f"- {case}: {note}.", WIDTH, subsequent_indent="  ") for case, note in notes)
    return [*lines, *told, *([""] if notes else [])]


def table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [COLUMNS, *map(cells, results)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]

    def line(row: Sequence[str]) -> str:
        first, *others = zip(row, widths, strict=True)
        return f"| {first[0]:<{first[1]}} | " + " | ".join(f"{cell:>{width}}" for cell, width in others) + " |"

    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    return [line(rows[0]), rule, *map(line, rows[1:])]


def cells(result: Mapping[str, Any]) -> tuple[str, ...]:
    off, on = result["off"], result["on"]
    counted = [
        change(off["counts"][name], on["counts"][name]) for name in ("statements", "rows", "pages", "postgres_ms")
    ]
    times = [change(off[name], on[name]) for name in ("p50_ms", "p95_ms")]
    return (
        result["case"],
        *counted,
        *times,
        str(result["samples"]),
        f"**{result['ratio']:.3g}** ({result['least']:.3g} to {result['most']:.3g})",
    )


def change(before: float | None, after: float | None) -> str:
    return "-" if before is None or after is None else f"{short(before)} → {short(after)}"


def short(value: float) -> str:
    """Three digits of small numbers, all of those before the point of large ones."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
