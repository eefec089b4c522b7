"""What becomes of connections and workers between the signal to stop and the end of the process."""

import asyncio
import logging
import os
import signal
import threading
import time
from socket import socket
from types import FrameType
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from feed_service.stopping import Stopping

log = logging.getLogger(__name__)

DRAIN_S = 15
"""Seconds that requests under way get to finish: GraphQL has its own limit below; exports and bulks may be cut."""

LINGER_S = 1.0
"""An idle connection is kept for so long: a request may be on its way on it, which would be lost."""

END_S = 29.0
"""From when the listener closes to the end of the process, whatever happens: the last requests, then the last views
and steps of jobs, then connections. Who stops services gives them 30 seconds."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)

CUT = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\nretry-after: 2\r\n"
    b"cache-control: no-store\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
)
CUT_BODY = b'{"errors":[{"message":"The service is stopping. Please try again.","extensions":{"code":"UNAVAILABLE"}}]}'


class DrainingProtocol(HttpToolsProtocol):
    """uvicorn's, which says with each answer that it is the last one as soon as the process is to stop."""

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401 - uvicorn's.
        stopping: Stopping | None = self.app_state.get("stopping")
        if stopping is not None and stopping.is_begun:
            cycle.keep_alive = False
        super()._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        """Called for each connection when the listener has been closed."""
        if self._is_idle():
            self.loop.call_later(LINGER_S, super().shutdown)
        else:
            super().shutdown()
        self.loop.call_later(DRAIN_S, self._cut)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _cut(self) -> None:
        """The request is answered in place of the application, which goes on unheard until uvicorn cancels it."""
        if self.transport.is_closing():
            return
        if not self._is_idle():
            log.warning("%s %s was cut off: it took too long to stop.", self.scope["method"], self.scope["path"])
            if not self.cycle.response_started:
                self.transport.write(CUT % (len(CUT_BODY), CUT_BODY))
            self.cycle.disconnected = True
        self.transport.close()


def take_signals(stopping: Stopping, lame_duck_s: float, *, is_worker: bool) -> None:
    """Call it on the running loop of the main thread, when uvicorn has set its own handlers.

    The first signal begins the stop, and after `lame_duck_s` uvicorn closes the listener. Another one ends the process
    at once; a worker leaves that to its parent, from whom it hears again what Ctrl-C has told both.
    """
    loop = asyncio.get_running_loop()
    close_listener = signal.getsignal(signal.SIGTERM)
    assert callable(close_listener)  # noqa: S101 - uvicorn's.

    is_told = False

    def begin() -> None:
        stopping.begin()
        loop.call_later(lame_duck_s, close_listener, signal.SIGTERM, None)
        if not is_worker:
            end_within(lame_duck_s + END_S)

    def told(number: int, _frame: FrameType | None) -> None:
        nonlocal is_told
        if is_told and not is_worker:
            os._exit(128 + number)
        if not is_told:
            loop.call_soon_threadsafe(begin)
        is_told = True

    for number in SIGNALS:
        signal.signal(number, told)


def end_within(seconds: float) -> None:
    """A thread, as what hangs may be the loop."""

    def end() -> None:
        log.error("The process is ended: it did not stop within %g seconds.", seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


class Workers(Multiprocess):
    """uvicorn's parent of several workers, which tells them at once, and does not wait for them for ever."""

    def __init__(self, config: Config, sockets: list[socket], lame_duck_s: float) -> None:
        super().__init__(config, sockets)
        self.within_s = lame_duck_s + END_S
        self.signals: list[int] = []
        for number in SIGNALS:
            signal.signal(number, self._told)

    def _told(self, number: int, _frame: FrameType | None) -> None:
        """Uvicorn looks at its queue twice a second; until then, workers would say that they are ready."""
        self.signals.append(number)
        self.signal_queue.append(number)
        for worker in self.processes if len(self.signals) == 1 else ():
            if worker.process.is_alive() and worker.pid is not None:
                os.kill(worker.pid, signal.SIGTERM)

    def join_all(self) -> None:
        """Ends with 128 + the signal's number if another one came, and with 1 if a worker did not start or stop."""
        for listener in self.sockets:
            listener.close()  # While it is open, connections are taken that nobody will answer.
        deadline = time.monotonic() + self.within_s
        while (alive := [worker for worker in self.processes if worker.process.is_alive()]) and len(self.signals) < 2:
            if time.monotonic() > deadline:
                log.error("%d workers are killed: they did not stop within %g seconds.", len(alive), self.within_s)
                break
            time.sleep(0.05)
        for worker in alive:
            worker.kill()
            worker.join()
        if alive or not self.signals:
            raise SystemExit(128 + self.signals[-1] if len(self.signals) > 1 else 1)
