"""One name for one statement, whoever tells its text: the service that sends it, or pg_stat_statements."""

import re
from functools import lru_cache
from hashlib import blake2b

# Values: what PostgreSQL puts in place of constants, numbers and strings. A list of constants is one of them to it.
_VALUE = r"(?:\$\d+|\b\d+(?:\.\d+)?\b|E?'(?:[^']|'')*')"
_WITHOUT = re.compile(rf"/\*.*?\*/|--[^\n]*|{_VALUE}(?:\s*,\s*{_VALUE})*|\s+|[()]", re.DOTALL | re.IGNORECASE)
_BYTES = 4


@lru_cache(2_000)
def fingerprint(text: str) -> str:
    """Eight hexadecimal digits of what is left of `text` without values, comments, white space and parentheses.

    pg_stat_statements has other values in the text than were sent, which is why they cannot be a part of it.
    """
    return blake2b(_WITHOUT.sub("", text).encode(), digest_size=_BYTES).hexdigest()
