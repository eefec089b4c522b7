"""A report as one page of HTML: nothing from elsewhere, light or dark as the reader's machine is, fit for a phone."""

from collections.abc import Iterator, Sequence
from html import escape

from feed_service.operations.parts import Cell, Part, Table, Trend

WIDTH, HEIGHT, EDGE = 220, 36, 2
BADGES = {
    "critical": "bad",
    "warning": "hint",
    "notice": "calm",
    "met": "good",
    "MISSED": "bad",
    "FAILED": "bad",
    "OFF": "bad",
    "failing": "hint",
}
"""Words that are a verdict, and how they look."""

STYLE = """
:root { color-scheme: light dark; --back: #fcfcfb; --text: #1d1f22; --dim: #5b6068; --line: #dcdfe3; --head: #f1f2f4;
  --mark: #1f6feb; --bad: #b42318; --hint: #8a5200; --good: #1a7f37; --calm: #4a5568; }
@media (prefers-color-scheme: dark) { :root { --back: #15171a; --text: #e4e6e9; --dim: #9aa1ab; --line: #32363c;
  --head: #1e2125; --mark: #79b0ff; --bad: #ff9a90; --hint: #f0b75e; --good: #6fd187; --calm: #aeb6c2; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 100rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.5rem; margin: .5rem 0 0 } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; padding-top: .5rem;
  border-top: 1px solid var(--line) } h3 { font-size: 1rem; margin: 1rem 0 .3rem; color: var(--dim) }
p { margin: .3rem 0; max-width: 60rem } .about { color: var(--dim) }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: .8rem 0 } a { color: var(--mark) }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px }
table { border-collapse: collapse; width: 100%; font-size: .87rem }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
tr:last-child td { border-bottom: 0 } th { background: var(--head); white-space: nowrap; font-weight: 600 }
td { min-width: 4rem; max-width: 32rem } td.long { min-width: 16rem }
.right { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.bad, .hint, .good, .calm { font-weight: 600 } .bad { color: var(--bad) } .hint { color: var(--hint) }
.good { color: var(--good) } .calm { color: var(--calm) }
@media (max-width: 45rem) { .stack thead { display: none } .stack tr { display: block; padding: .4rem 0;
  border-bottom: 1px solid var(--line) } .stack td { display: block; border: 0; max-width: none; padding: .1rem .6rem }
  .stack tr:last-child { border: 0 } }
svg { display: block; width: 220px; height: 36px } polyline { fill: none; stroke: var(--mark); stroke-width: 1.5;
  stroke-linejoin: round } circle { fill: var(--mark) }
"""


def html(title: str, about: str, parts: Sequence[Part]) -> str:
    links = "".join(f'<a href="#{escape(part.name)}">{escape(part.title)}</a>' for part in parts)
    body = "".join(line for part in parts for line in _part(part))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f'<body><header><h1>{escape(title)}</h1><p class="about">{escape(about)}</p><nav>{links}</nav></header>\n'
        f"<main>{body}</main></body></html>\n"
    )


def _part(part: Part) -> Iterator[str]:
    yield f'<section id="{escape(part.name)}"><h2>{escape(part.title)}</h2>\n'
    yield from (f"<p>{escape(line)}</p>\n" for line in part.lines)
    for table in part.tables:
        yield f"<h3>{escape(table.title)}</h3>\n"
        yield from _table(table) if table.rows else [f"<p>{escape(table.empty)}</p>\n"]
    yield "</section>\n"


def _table(table: Table) -> Iterator[str]:
    # On a phone, rows of sentences stand below one another; rows of figures stay rows, and are pushed aside.
    kind = "stack" if table.columns[0] == "severity" else "rows"
    yield f'<div class="wide"><table class="{kind}"><thead><tr>'
    for name in table.columns:
        yield f"<th{_side(name)}>{escape(name.removeprefix('#'))}</th>"
    yield "</tr></thead><tbody>\n"
    for row in table.rows:
        yield "<tr>"
        yield from (_cell(name, cell) for name, cell in zip(table.columns, row, strict=True))
        yield "</tr>\n"
    yield "</tbody></table></div>\n"


def _side(name: str) -> str:
    return ' class="right"' if name.startswith("#") else ""


def _cell(name: str, cell: Cell) -> str:
    if isinstance(cell, Trend):
        return f"<td>{sparkline(cell)}</td>"
    if name == "see":
        return f'<td><a href="#{escape(cell)}">{escape(cell)}</a></td>'
    if (
        badge := BADGES.get(cell.partition(" ")[0])
        if name in {"severity", "verdict", "standing", "autovacuum"}
        else None
    ):
        return f'<td class="{badge}">{escape(cell)}</td>'
    if name.startswith("#"):
        return f'<td class="right">{escape(cell)}</td>'
    return f'<td class="long">{escape(cell)}</td>' if len(cell) > 40 else f"<td>{escape(cell)}</td>"


def sparkline(trend: Trend) -> str:
    """From nothing to the greatest value. A gap is where nothing was measured; a dot, a value with gaps beside it."""
    most = max((value for value in trend.values if value is not None), default=0) or 1
    step = (WIDTH - 2 * EDGE) / max(1, len(trend.values) - 1)
    drawn: list[str] = []
    for run in _runs(trend.values):
        points = [
            f"{EDGE + at * step:.1f},{HEIGHT - EDGE - value / most * (HEIGHT - 2 * EDGE):.1f}" for at, value in run
        ]
        if len(points) == 1:
            x, y = points[0].split(",")
            drawn.append(f'<circle cx="{x}" cy="{y}" r="2"/>')
        else:
            drawn.append(f'<polyline points="{" ".join(points)}"/>')
    last = next((f"{value:,.4g}" for value in reversed(trend.values) if value is not None), "nothing")
    told = f"greatest {most:,.4g}, last {last}"
    start = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">'
    return f"{start}<title>{told}</title>{''.join(drawn)}</svg>"


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Stretches without a gap, of (place, value)."""
    run: list[tuple[int, float]] = []
    for at, value in enumerate(values):
        if value is not None:
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run
