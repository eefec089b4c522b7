"""The embedded Valkey: `with running(data_dir) as server:` serves `server.url`; it keeps nothing."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from feed_service.embedded import binaries, process
from feed_service.embedded.account import Account, server_account
from feed_service.embedded.folders import copy_for_everyone, runtime_folder

START_LIMIT_S = 10.0


@dataclass(frozen=True)
class RunningValkey:
    """`url` holds the password: another user of the machine could reach the port, but not the cache."""

    port: int
    password: str
    pid: int

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


@contextmanager
def running(data_dir: Path, *, max_memory: str = "256mb") -> Iterator[RunningValkey]:
    """A cache on a free port of 127.0.0.1, stopped with the block. Only its log goes to `data_dir`.

    Call it from the main thread. Raises ServerBinariesMissing, ServerFailed.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = server_account()
    password, port = secrets.token_urlsafe(24), _free_port()
    with ExitStack() as stack:
        program = process.Program(
            name="Valkey",
            argv=[str(_program(account, stack)), "-"],
            log=data_dir / "valkey.log",
            account=account,
            stdin=_configuration(port, password, max_memory),
        )
        with process.running(program, lambda _: _answers(port, password), START_LIMIT_S) as pid:
            yield RunningValkey(port, password, pid)


def _program(account: Account | None, stack: ExitStack) -> Path:
    program = binaries.valkey_program()
    try:
        binaries.version_said_by(program, account)
    except PermissionError:  # The virtual environment lies in a private home.
        target = stack.enter_context(runtime_folder(account)) / "programs"
        copy_for_everyone(program.parent.parent, [Path(program.parent.name)], target)
        return target / program.parent.name / program.name
    return program


def _configuration(port: int, password: str, max_memory: str) -> bytes:
    """Through standard input: a command line can be read by every user."""
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"requirepass {password}",
        'save ""',
        "appendonly no",
        f"maxmemory {max_memory}",
        "maxmemory-policy allkeys-lru",
    ]
    return "\n".join(lines).encode() + b"\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, password: str) -> bool:
    """Only our own server knows the password, should another have taken the port meanwhile."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return client.recv(100).startswith(b"+OK")
    except ConnectionRefusedError:
        return False
