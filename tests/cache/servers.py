"""Valkey servers that tests may freeze, kill, start again, or join to clusters."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feed_service.embedded import binaries

PASSWORD = "a password, for tests"
URL_PASSWORD = "a%20password%2C%20for%20tests"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`options` are lines of its configuration. Without `tls` it has the PASSWORD."""

    def __init__(self, folder: Path, *options: str, port: int | None = None, sentinel: bool = False) -> None:
        self.port = port or free_port()
        self._file = folder / f"{self.port}.conf"
        own = [f"port {self.port}", "bind 127.0.0.1", f"dir {folder}", f"logfile {self._file}.log"]
        if not sentinel:
            own += ['save ""', f'requirepass "{PASSWORD}"', f'primaryauth "{PASSWORD}"']
        self._file.write_text("\n".join([*own, *options]) + "\n")
        self._argv = [str(binaries.valkey_program()), str(self._file), *(["--sentinel"] if sentinel else [])]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{URL_PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError(Path(f"{self._file}.log").read_text())

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.kill()
