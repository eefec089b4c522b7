"""One GraphQL request under way: what its log lines name, and which statements it has run for which field.

The only context variables of the house. They are for seeing; nothing that is answered depends on them.
"""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from time import perf_counter
from typing import Any, NamedTuple


class Ran(NamedTuple):
    """A statement that was run: its values, how long it took, how many rows came, and for which field.

    `text` is that by which it is counted; `sent` that which was sent, if some values stand in it.
    """

    text: str
    sent: str
    values: tuple[Any, ...]
    seconds: float
    rows: int
    path: str


class Watch:
    """What one request has done.

    `statements`: how often each was run, by its tally and the path of the field that asked. `waited_s`: for connections
    in all.
    `codes`: of the errors in the answer. `traceparent`: the span of the client that it belongs to.
    `recorded` holds every single run, with values; only for who explains an operation.
    """

    __slots__ = ("codes", "operation", "recorded", "request_id", "statements", "traceparent", "viewer_id", "waited_s")

    def __init__(self, request_id: str, *, is_recorded: bool = False) -> None:
        self.request_id = request_id
        self.viewer_id: int | None = None
        self.waited_s = 0.0
        self.codes: Sequence[str] = ()
        self.traceparent = ""
        self.operation: str | None = None
        self.statements: dict[tuple[Any, str], int] = {}
        self.recorded: list[Ran] | None = [] if is_recorded else None

    def ran(self, tally: Any, sent: str, seconds: float, rows: int, values: Iterable[object]) -> None:  # noqa: ANN401 - a StatementTally.
        key = tally, AT.get()
        self.statements[key] = self.statements.get(key, 0) + 1
        if self.recorded is not None:
            self.recorded.append(Ran(tally.text, sent, tuple(values), seconds, rows, key[1]))


WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)

AT: ContextVar[str] = ContextVar("at", default="")
"""The path of the field that is being resolved, as feed.edges.node.author; empty outside of fields."""


def waited(since: float) -> float:
    """How long the request has waited for a connection `since` that `perf_counter()`."""
    seconds, watch = perf_counter() - since, WATCH.get()
    if watch is not None:
        watch.waited_s += seconds
    return seconds
