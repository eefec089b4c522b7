"""A chart of bars as SVG, which is readable on light and on dark pages, without anything to install."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, LABELS, BAR, GAP, GROUP = 760, 190, 18, 5, 46
STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .small { font-size: 11px; fill: #59636e }
    .title { font-weight: 600 }
    .theirs { fill: #8c959f } .limit { fill: #bf8700 } .ours { fill: #0969da }
    .one { stroke: #59636e; stroke-dasharray: 3 3 }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 } .small { fill: #9198a1 } .one { stroke: #9198a1 }
        .theirs { fill: #656c76 } .limit { fill: #d29922 } .ours { fill: #4493f8 }
    }
"""

Bars = Mapping[str, float]
"""Name -> requests per second."""


def chart(groups: Mapping[str, Bars], ours: Sequence[str], yardstick: str, footer: str) -> str:
    """A group of bars for each operation, longest first, each bar as long as its ratio to the yardstick."""
    parts, y = [], 30
    for name, bars in groups.items():
        parts.append(
            f'<text class="title" x="0" y="{y}">{escape(name)}: requests/s, and over {escape(yardstick)}</text>'
        )
        y += 10
        unit = bars.get(yardstick) or max(bars.values())
        widest = max(bars.values()) / unit
        scale = (WIDTH - LABELS - 110) / widest
        top = y
        for label, per_s in sorted(bars.items(), key=lambda bar: -bar[1]):
            kind = "ours" if label in ours else "limit" if label == yardstick else "theirs"
            parts.append(bar(label, per_s, per_s / unit, scale, kind, y))
            y += BAR + GAP
        if yardstick in bars:
            x = LABELS + scale
            parts.append(f'<line class="one" x1="{x:.0f}" y1="{top}" x2="{x:.0f}" y2="{y - GAP}"/>')
        y += GROUP - GAP
    parts.append(f'<text class="small" x="0" y="{y - 14}">{escape(footer)}</text>')
    body = "\n".join(parts)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" role="img">'
    return f"{head}\n<title>Requests per second</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n"


def bar(label: str, per_s: float, ratio: float, scale: float, kind: str, y: int) -> str:
    width = max(1.0, ratio * scale)
    base = y + BAR - 5
    return (
        f'<text x="{LABELS - 8}" y="{base}" text-anchor="end">{escape(label)}</text>'
        f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        f'<text class="small" x="{LABELS + width + 6:.1f}" y="{base}">{per_s:,.0f}/s · {ratio:.2f}</text>'
    )
