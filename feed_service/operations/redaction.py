"""Texts of statements as they may be shown: without anybody's words and numbers, and short."""

import re

WIDTH = 120
"""Of a text in a report, in characters."""

# An end may be missing: PostgreSQL cuts texts off in pg_stat_activity.
_HIDDEN = re.compile(
    r"""(?P<string>(?<![\w$])(?:E'(?:[^'\\]|''|\\.)*(?:'|$)|(?:[BXN]|U&)?'(?:[^']|'')*(?:'|$))
        |\$(?P<tag>[A-Za-z_]*)\$.*?(?:\$(?P=tag)\$|$))
      |(?P<squashed>/\*,\ \.\.\.\ \*/)
      |/\*.*?(?:\*/|$)|--[^\n]*
      |"(?:[^"]|"")*"
      |(?P<number>(?<![\w$."])(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?\b)
      |(?P<space>\s+)""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def redacted(text: str, width: int | None = WIDTH) -> str:
    """`text` with ? for each string and number, without comments, in one line of at most `width` characters.

    pg_stat_statements keeps the constants of utility statements, such as a password in ALTER ROLE.
    """
    plain = " ".join(_HIDDEN.sub(_shown, text).split())
    return plain if width is None or len(plain) <= width else f"{plain[: width - 1]}…"


def _shown(found: re.Match[str]) -> str:
    if found["string"] or found["number"]:
        return "?"
    if found["space"]:
        return " "
    if found["squashed"] or found[0].startswith('"'):
        return found[0]
    return " "
