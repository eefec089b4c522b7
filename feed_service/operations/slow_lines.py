"""What was slow, and how its lines are written: fields for a log of JSON, and never a value of a statement."""

import logging
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger("feed_service.slow")


@dataclass(slots=True)
class SlowStatement:
    """`seconds` is without `waited_s`, the wait for a connection. `plan` is None as long as it is not known."""

    name: str
    fingerprint: str
    seconds: float
    waited_s: float
    rows: int | None
    operation: str | None
    path: str | None
    request_id: str | None
    failed: bool
    plan: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class SlowOperation:
    """`statements`: how many it ran. `waited_s`: for connections, all waits together."""

    name: str
    seconds: float
    waited_s: float
    statements: int | None
    request_id: str | None
    failed: bool
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def write_statement(slow: SlowStatement) -> None:
    log.warning(
        "slow statement %s: %.0f ms, plan %s, operation %s", slow.name, slow.seconds * 1e3, slow.plan, slow.operation,
        extra=_fields("slow_statement", slow) | {"statement": slow.name},
    )  # fmt: skip


def write_operation(slow: SlowOperation) -> None:
    log.warning(
        "slow operation %s: %.0f ms, %s statements", slow.name, slow.seconds * 1e3, slow.statements,
        extra=_fields("slow_operation", slow) | {"operation": slow.name},
    )  # fmt: skip


def _fields(event: str, slow: SlowStatement | SlowOperation) -> dict[str, Any]:
    """As the lines of JSON have them. Every record of `logging` has a `name`, and a time: when it was written."""
    found = asdict(slow) | {"at": slow.at.isoformat()}
    del found["name"]
    times = {"duration_ms": round(found.pop("seconds") * 1e3, 3), "waited_ms": round(found.pop("waited_s") * 1e3, 3)}
    return {"event": event, **times, **found}


def tell_left_out(number: int) -> None:
    log.warning(
        "slow log: %d more lines were left out in a minute", number,
        extra={"event": "slow_left_out", "left_out": number},
    )  # fmt: skip
