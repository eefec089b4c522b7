"""What a log may say of an exception: where it was raised, and why, without what a person has written or is called.

PostgreSQL and the driver tell the row, or the value, that they refuse; a secret in a URL is as near.
"""

import re
import traceback
from collections.abc import Iterator

MOST_CHARS = 1_000

_SECRETS = re.compile(
    r"(?P<scheme>\w+://[^\s:/@]*):\S+@"  # postgresql://name:password@host, also with an @ in the password
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JSON Web Token
    r"|\b[Bb]earer\s+\S+"
)


def reason(error: BaseException) -> str:
    """In one line."""
    name = type(error).__name__
    code = _sqlstate(error)
    if _tells_values(error, code):
        return f"{name} {code}".rstrip()
    first, *_ = f"{name}: {error}".splitlines() or [name]
    return masked(first[:MOST_CHARS].encode(errors="replace").decode().replace("\0", ""))


def told(error: BaseException) -> str:
    """The reason, where it was raised, and the same of what it came from."""
    return "\n".join(
        "\n".join([reason(one), *(line.rstrip() for line in traceback.format_tb(one.__traceback__))])
        for one in causes(error)
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from or is a group of, and so on."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting.append(one.__cause__ or (None if one.__suppress_context__ else one.__context__))
        waiting += reversed(one.exceptions) if isinstance(one, BaseExceptionGroup) else ()


def masked(text: str) -> str:
    """Without tokens, and without the passwords of URLs: of texts that nobody has looked through."""
    return _SECRETS.sub(lambda found: f"{found['scheme']}:***@" if found["scheme"] else "***", text)


def _tells_values(error: BaseException, code: str) -> bool:
    """Data exceptions of PostgreSQL (class 22), and the driver's own of arguments that do not fit."""
    return code.startswith("22") or (type(error).__module__.startswith("asyncpg") and isinstance(error, ValueError))


def _sqlstate(error: BaseException) -> str:
    """Also of an error of PostgreSQL inside one of SQLAlchemy, which has its message."""
    inner = getattr(error, "orig", None) or error
    return getattr(inner, "sqlstate", None) or ""
