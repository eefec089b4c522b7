"""DATABASE_URL: what it may hold, and why what it names cannot be used, in words without its password."""

import os
import socket
import ssl

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from feed_service.database import with_driver
from feed_service.errors import ConfigurationError
from feed_service.transactions import sqlstate_of

FORM = (
    "DATABASE_URL must be like postgresql://USER:PASSWORD@HOST:PORT/DATABASE; signs of a password that mean something "
    "in a URL are written as %40 and the like."
)
KNOWN = {"host", "port", "ssl", "passfile", "service", "servicefile", "target_session_attrs", "krbsrvname", "gsslib"}
"""Parameters of the driver."""

WITHOUT_EFFECT = {"application_name", "channel_binding", "connect_timeout", "sslmode"}
"""libpq's, which URLs of hosting services hold: the first three are as the service has them, the last has our name."""


def checked(url: str) -> str:
    """The URL as the driver takes it: with libpq's `sslmode` by the driver's name.

    Raises:
        ConfigurationError: it cannot be read, or has a parameter that is not known.
    """
    try:
        parts = make_url(with_driver(url))
    except (ArgumentError, ValueError):
        raise ConfigurationError(FORM) from None
    query = dict(parts.query)
    unknown = sorted(query.keys() - KNOWN - WITHOUT_EFFECT)
    if unknown:
        raise ConfigurationError(f"DATABASE_URL has the parameter {unknown[0]}, which is not known.")
    if not query.keys() & WITHOUT_EFFECT:
        return url
    kept = {name: value for name, value in query.items() if name in KNOWN}
    if "sslmode" in query:
        kept.setdefault("ssl", query["sslmode"])
    return parts.set(query=kept).render_as_string(hide_password=False)


def place(url: str) -> str:
    """`host:port`, or the folder of the socket."""
    parts = make_url(with_driver(url))
    host = parts.host or _first(parts, "host") or "127.0.0.1"
    return host if host.startswith("/") else f"{host}:{parts.port or _first(parts, 'port') or 5432}"


def why_unusable(url: str, error: SQLAlchemyError | OSError) -> str:
    """One sentence on an error of connecting."""
    parts, where = make_url(with_driver(url)), place(url)
    said = " ".join(str(getattr(error, "driver_exception", None) or error).split())
    by_state = {
        # PgBouncer: "unsupported startup parameter: jit".
        "08P01": f"A pooler at {where} refuses what this service asks for ({said}): DATABASE_URL must name the server.",
        "28P01": f"The server at {where} refuses the password of {parts.username or 'the user'}.",
        "3D000": f"The server at {where} has no database named {parts.database or parts.username}.",
        "53300": f"The server at {where} has no connection left: too many are open.",
        "57P03": f"The server at {where} is starting or stopping.",
    }
    if sqlstate_of(error) in by_state:
        return by_state[sqlstate_of(error)]
    if isinstance(error, socket.gaierror):
        # With a stray @, the end of the password would be taken for the beginning of the host.
        return FORM if "@" in (parts.host or "") else f"There is no host named {parts.host}."
    if isinstance(error, ssl.SSLError) or "SSL" in said:
        return f"The server at {where} and this service do not agree on TLS: {said}."
    if isinstance(error, TimeoutError):
        return f"The server at {where} does not answer."
    if isinstance(error, OSError):
        return f"No PostgreSQL can be reached at {where}: {os.strerror(error.errno) if error.errno else said}."
    return f"The server at {where} refuses the connection: {said}."


def _first(parts: URL, name: str) -> str | None:
    value = parts.query.get(name)
    return value if isinstance(value, str) or value is None else value[0]
