"""Log lines: JSON for machines, or lines for people, each with the request that it is about. Nothing secret is in one.

structlog renders what the standard library's loggers are given, so that those of libraries look alike.
"""

import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from feed_service.reasons import masked, told
from feed_service.watching import WATCH

Event = MutableMapping[str, Any]


def of_request(_logger: object, _method: str, event: Event) -> Event:
    """Which request, operation and viewer a line is about, where it does not say so itself."""
    watch = WATCH.get()
    if watch is not None:
        known = {"request_id": watch.request_id, "operation": watch.operation, "viewer_id": watch.viewer_id}
        for name, value in known.items():
            if value is not None:
                event.setdefault(name, value)
    return event


def without_secrets(_logger: object, _method: str, event: Event) -> Event:
    """An exception as what may be said of it, and texts without tokens and passwords."""
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = masked(value)
    if error is not None:
        event["exception"] = told(error)
    return event


def for_people(_logger: object, _method: str, event: Event) -> str:
    """`WARNING feed_service.slow: what happened (request_id=…)`, and where it was raised."""
    level, name, text = event.pop("level"), event.pop("logger"), event.pop("event")
    exception = event.pop("exception", None)
    event.pop("timestamp")
    further = " ".join(f"{key}={value}" for key, value in event.items())
    line = f"{level.upper()} {name}: {one_line(text)}" + (f" ({one_line(further)})" if further else "")
    return f"{line}\n{exception}" if exception else line


def one_line(text: str) -> str:
    """Whoever may choose a part of a text cannot make a line of their own of it."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def as_json(_logger: object, _method: str, event: Event) -> str:
    return orjson.dumps(event, default=str).decode()


SHARED = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    of_request,
    without_secrets,
]

RENDERERS = {"json": as_json, "lines": for_people}


def configuration(form: str) -> dict[str, Any]:
    """For `logging.config`, of every process: uvicorn's workers are new ones. `form`: json or lines."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": SHARED,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, RENDERERS[form]],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        # Alembic has two lines for every look at the revision, and /readyz looks often.
        "loggers": {"alembic": {"level": "WARNING"}},
    }
