"""SIGTERM and SIGHUP unwind the program like Ctrl-C does, so that its `with` blocks stop the servers."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

UNWINDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unwinding() -> Iterator[None]:
    """Enter it in the main thread around everything. Exits with 128 + the signal's number, as shells expect.

    uvicorn stops serving first and then raises the signal again, which arrives here.
    """
    before = {number: signal.signal(number, _unwind) for number in UNWINDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _unwind(number: int, _frame: FrameType | None) -> None:
    for each in UNWINDING:  # A second one must not cut the unwinding short.
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)
