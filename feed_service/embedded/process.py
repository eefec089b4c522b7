"""One server program as a direct child: its start, its readiness, its log and its end."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals

from feed_service.embedded import death, names
from feed_service.embedded.account import Account, popen_options
from feed_service.embedded.errors import ServerFailed

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"}
"""All that a server sees of ours: PGPORT, PGDATA or LD_PRELOAD of the caller do not reach it."""

POLL_S = 0.02
LOG_LIMIT_BYTES = 10_000_000


@dataclass(frozen=True)
class Program:
    """What to start, as whom. The first of `stop_signals` also tells it that its parent died."""

    name: str
    argv: Sequence[str]
    log: Path
    account: Account | None
    descriptors: tuple[int, ...] = ()
    stdin: bytes = b""
    stop_signals: tuple[Signals, ...] = (Signals.SIGTERM,)
    stop_limit_s: float = 20.0
    needs_name: bool = False


@contextmanager
def running(program: Program, is_ready: Callable[[int], bool], limit_s: float) -> Iterator[int]:
    """The pid of the server, from when `is_ready(pid)` until the block ends.

    Raises:
        ServerFailed: it ended, or was not ready within `limit_s`.
    """
    log_start = _turn_over(program.log)
    with ExitStack() as stack:
        child = _spawn(program)
        if not death.KERNEL_TELLS:
            stack.enter_context(death.watched(child.pid, program.stop_signals[0]))
        stack.callback(_stop, child, program)
        deadline = time.monotonic() + limit_s
        while not is_ready(child.pid):
            if child.poll() is not None:
                raise _failure(program, f"ended with code {child.returncode}", log_start)
            if time.monotonic() > deadline:
                raise _failure(program, f"was not ready after {limit_s:g} s", log_start)
            time.sleep(POLL_S)
        yield child.pid


def run(program: Program) -> None:
    """Run `program` to its end. Raises ServerFailed unless it succeeds."""
    log_start = _turn_over(program.log)
    child = _spawn(program)
    try:
        if child.wait() != 0:
            raise _failure(program, f"ended with code {child.returncode}", log_start)
    finally:
        _stop(child, program)


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    with program.log.open("ab") as log:
        try:
            # A session of its own: Ctrl-C reaches us alone, and we stop the server last.
            child = subprocess.Popen(  # noqa: S603 - our own programs
                program.argv,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
                pass_fds=program.descriptors,
                start_new_session=True,
                # Safe, as long as servers are started before threads.
                preexec_fn=_before_exec(program),  # noqa: PLW1509
                **popen_options(program.account),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ServerFailed(f"{program.name} cannot be started: {error}.") from error
    _feed(child, program.stdin)
    return child


def _before_exec(program: Program) -> Callable[[], None]:
    lend_name = names.lend_name(program.account) if program.needs_name else None
    ask_kernel = death.ask_kernel(program.stop_signals[0]) if death.KERNEL_TELLS else None

    def in_child() -> None:
        if lend_name:
            lend_name()
        if ask_kernel:  # Last: a change of user or of its rights takes the request back.
            ask_kernel()

    return in_child


def _feed(child: subprocess.Popen[bytes], stdin: bytes) -> None:
    if child.stdin is None:
        return
    try:
        child.stdin.write(stdin)
        child.stdin.close()
    except BrokenPipeError:  # It has ended already; its exit code and its log say why.
        return


def _stop(child: subprocess.Popen[bytes], program: Program) -> None:
    for signal in (*program.stop_signals, SIGKILL):
        if child.poll() is not None:
            return
        child.send_signal(signal)
        try:
            child.wait(program.stop_limit_s)
        except subprocess.TimeoutExpired:
            continue  # It does not listen; the next signal is stronger.


def _failure(program: Program, what: str, log_start: int) -> ServerFailed:
    with program.log.open("rb") as log:
        log.seek(log_start)
        lines = log.read()[-20_000:].decode(errors="replace").split("\n")
    said = " / ".join([line.strip() for line in lines if line.strip()][-4:]) or "nothing"
    return ServerFailed(f"{program.name} {what}; the last it said was: {said}")


def _turn_over(log: Path) -> int:
    """Where this run's part of the log begins; a long log is put aside first."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old"))
    return log.stat().st_size if log.exists() else 0
