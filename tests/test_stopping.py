"""A process that is told to stop answers all that came before, and then ends, whole and soon."""

import asyncio
import http.client
import json
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from feed_service import draining
from feed_service.draining import DrainingProtocol
from feed_service.settings import CHECKOUT
from feed_service.stopping import Stopping
from tests.http.server import wait_for
from tests.test_cli import COMMAND, environment, free_port, is_alive

ENDS_WITHIN_S = 60
QUESTION = json.dumps({"query": "{ categories { slug } }"})


class Service:
    """`serve` on a database of its own, as a process with children."""

    def __init__(self, folder: Path, database_url: str, workers: int, lame_duck_s: int) -> None:
        self.port = free_port()
        variables = {"DATABASE_URL": database_url, "PORT": str(self.port), "FEED_LAME_DUCK_S": str(lame_duck_s)}
        command = [*COMMAND, "serve", "--workers", str(workers)]
        self.log = folder / "said"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment(folder, **variables), cwd=CHECKOUT, stdout=log, stderr=log
            )
        while not self.is_ready():
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            return readiness(self) == 200
        except OSError:
            return False

    def said(self) -> str:
        return self.log.read_text()

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def family(self) -> list[int]:
        """The process and its children: workers, and the cache that they share."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def ended(self) -> int:
        return self.process.wait(ENDS_WITHIN_S)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)


@contextmanager
def running(folder: Path, database_url: str, workers: int, lame_duck_s: int) -> Iterator[Service]:
    service = Service(folder, database_url, workers, lame_duck_s)
    family = service.family()
    try:
        yield service
        deadline = time.monotonic() + ENDS_WITHIN_S
        while (left := [pid for pid in family if is_alive(pid)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, "it left children behind"
    finally:
        if service.process.poll() is None:
            service.tell(signal.SIGKILL)
            service.ended()


@dataclass
class Load:
    """Clients on connections that they keep, and others on new ones, each going on until it is told to go elsewhere."""

    service: Service
    outcomes: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        self._threads = [threading.Thread(target=client) for client in [self._keeping] * 4 + [self._coming] * 2]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        for thread in self._threads:
            thread.join()

    def _keeping(self) -> None:
        connection = self.service.connection()
        while self._asked(connection):
            pass
        connection.close()

    def _coming(self) -> None:
        while readiness(self.service) == 200:
            connection = self.service.connection()
            self._asked(connection)
            connection.close()

    def _asked(self, connection: http.client.HTTPConnection) -> bool:
        """Whether the connection may be used again."""
        try:
            connection.request("POST", "/graphql", QUESTION, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        except OSError as error:
            self.outcomes[type(error).__name__] += 1
            return False
        self.outcomes[str(answer.status)] += 1
        return answer.getheader("Connection") != "close"


def readiness(service: Service, path: str = "/readyz") -> int:
    with closing(service.connection()) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    return answer.status


@pytest.mark.parametrize("workers", [1, 2])
def test_whoever_came_before_the_end_is_answered(database_url: str, tmp_path: Path, workers: int) -> None:
    with running(tmp_path, database_url, workers, lame_duck_s=2) as service:
        load = Load(service)
        load.begin()
        while load.outcomes["200"] < 40:
            time.sleep(0.01)
        assert readiness(service) == 200
        service.tell(signal.SIGTERM)
        while readiness(service) == 200:
            time.sleep(0.01)
        assert (readiness(service), readiness(service, "/healthz")) == (503, 200)
        load.end()
        assert service.ended() == 0
    assert set(load.outcomes) == {"200"}, service.said()
    assert "Traceback" not in service.said()


def test_a_second_signal_ends_it_at_once(database_url: str, tmp_path: Path) -> None:
    with running(tmp_path, database_url, 2, lame_duck_s=300) as service:
        service.tell(signal.SIGTERM)
        while readiness(service) == 200:
            time.sleep(0.01)
        service.tell(signal.SIGINT)
        assert service.ended() == 128 + signal.SIGINT


def test_workers_do_not_outlive_their_parent(database_url: str, tmp_path: Path) -> None:
    with running(tmp_path, database_url, 2, lame_duck_s=0) as service:
        service.tell(signal.SIGKILL)
        assert service.ended() == -signal.SIGKILL


async def sluggish(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers at once, or never, or half."""
    if scope["type"] == "lifespan":
        scope["state"]["stopping"] = STOPPING
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    start: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    if scope["path"] != "/never":
        await send(start)
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
    if scope["path"] != "/quick":
        await asyncio.sleep(ENDS_WITHIN_S)
    await send({"type": "http.response.body", "body": b"k"})


STOPPING = Stopping()


def asked(listener: socket.socket, path: str) -> socket.socket:
    client = socket.create_connection(listener.getsockname(), timeout=10)
    client.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
    return client


def heard(client: socket.socket) -> bytes:
    """All until the end of the connection."""
    with client:
        return b"".join(iter(lambda: client.recv(10_000), b""))


def test_what_is_too_slow_is_told_so_and_idle_connections_get_a_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "DRAIN_S", 0.6)
    monkeypatch.setattr(draining, "LINGER_S", 0.4)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(sluggish, http=DrainingProtocol, log_config=None, timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    wait_for(server)
    never, half, idle, late = (asked(listener, path) for path in ("/never", "/half", "/quick", "/quick"))
    for client in (idle, late):
        assert b"connection: close" not in client.recv(10_000)
    STOPPING.begin()
    server.should_exit = True
    while server.servers[0].is_serving():
        time.sleep(0.01)
    late.sendall(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = heard(late)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer
    assert heard(idle) == b""
    head, _, body = heard(never).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
    assert heard(half).endswith(b"\r\n\r\no"), "without its end, a client knows that it was cut"
    thread.join()
