"""One name for one statement, whoever tells its text: the service that sends it, or pg_stat_statements."""

import re
from functools import lru_cache
from hashlib import blake2b

# The last is how SQLAlchemy marks the place of a value that is to stand in the text.
_STRING = r"(?:\b[EBXN]|\bU&)?'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|__\[POSTCOMPILE_\w+\]"
_CAST = r"::\s*(?:\"[^\"]+\"|\w+)(?:\.\w+)?(?:\s+(?:PRECISION|VARYING|(?:WITH|WITHOUT)\s+TIME\s+ZONE)\b)?(?:\[\d*\])*"
# EXTRACT(epoch FROM …) has a constant in it, too: $1 stands for the word.
_FIELD = r"(?<=\bEXTRACT)\(\s*\w+(?=\s+FROM\b)"
_PIECES = re.compile(rf"(?P<string>{_STRING})|/\*.*?\*/|--[^\n]*|{_CAST}|{_FIELD}|[();]", re.DOTALL | re.IGNORECASE)
# What PostgreSQL puts $1 in place of: a sign is a part of its number. A list of constants is one of them to it.
_NUMBER = r"(?<![\w$])(?:0[xob]\w+|(?:\d[\d_]*)?\.?\d+(?:e[+-]?\d+)?)\b"
_VALUE = rf"-?\s*(?:\$\d+|{_NUMBER}|\b(?:TRUE|FALSE|NULL|(?<=\bLIMIT\s)ALL)\b)"
_WITHOUT = re.compile(rf"{_VALUE}(?:\s*,\s*{_VALUE})*|\s+", re.IGNORECASE)
_BYTES = 4


@lru_cache(2_000)
def fingerprint(text: str) -> str:
    """Eight hexadecimal digits of what is left of `text` without values, casts, comments, white space and parentheses.

    pg_stat_statements has other values in the text than were sent, and of a list of them (from PostgreSQL 18 on)
    neither the length nor the casts, which is why they cannot be a part of it.
    """
    plain = _PIECES.sub(lambda piece: "$1" if piece["string"] else " ", text)
    return blake2b(_WITHOUT.sub("", plain).encode(), digest_size=_BYTES).hexdigest()
