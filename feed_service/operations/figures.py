"""Figures as people read them. What is not known says so."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from feed_service.operations.parts import Trend

NOT_KNOWN = "not known"
NONE = "-"
BARS = "▁▂▃▄▅▆▇█"
_SIZES = ("B", "kB", "MB", "GB", "TB")


def number(value: float | None) -> str:
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.2f}"


def size(value: float | None) -> str:
    """Of bytes, in steps of 1,024 as PostgreSQL's own."""
    if value is None:
        return NOT_KNOWN
    step = 0
    while abs(value) >= 1_024 and step < len(_SIZES) - 1:
        value, step = value / 1_024, step + 1
    return f"{value:,.0f} {_SIZES[step]}" if step == 0 or value >= 100 else f"{value:,.1f} {_SIZES[step]}"


def milliseconds(value: float | None) -> str:
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def bound(seconds: float | None, most: float) -> str:
    """A quantile from buckets: it is at most the bound of its bucket, or more than the last."""
    if seconds is None:
        return NONE
    return f"> {most * 1_000:,.0f}" if seconds > most else f"≤ {seconds * 1_000:,.6g}"


def share(value: float | None) -> str:
    if value is None:
        return NOT_KNOWN
    return f"{value:.2%}".replace("%", " %") if value not in {0, 1} else f"{value:.0%}".replace("%", " %")


def duration(value: timedelta | float | None) -> str:
    """Of seconds."""
    if value is None:
        return NOT_KNOWN
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.1f} s" if seconds >= 1 else f"{seconds * 1_000:,.0f} ms"


def several(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def moment(value: datetime | None, otherwise: str = "never") -> str:
    return otherwise if value is None else value.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def bars(trend: Trend) -> str:
    """▁▂▃: from nothing to the greatest. A gap is where nothing was measured."""
    most = max((value for value in trend.values if value is not None), default=0) or 1
    return "".join(" " if value is None else BARS[round(value / most * (len(BARS) - 1))] for value in trend.values)


def listed(words: Sequence[str], most: int = 3) -> str:
    left = len(words) - most
    return ", ".join(words[:most]) + (f" and {left} more" if left > 0 else "")
