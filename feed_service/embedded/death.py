"""How a server learns that its parent is gone, however it ended: SIGKILL leaves no orphan."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1
KERNEL_TELLS = sys.platform == "linux"
WATCH = 'cat >/dev/null; kill -s "$1" "$2"'


def ask_kernel(death_signal: int) -> Callable[[], None]:
    """What a child runs before exec so that Linux sends it `death_signal` when its parent ends.

    It has to run after the change of user, which clears the request; Popen calls preexec_fn last.
    "Parent" is the thread that started the child: start servers from a thread that stays.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        if prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent:  # It ended between fork and prctl: nobody would tell us any more.
            os._exit(1)

    return in_child


def end_with_parent(parent: int, death_signal: int) -> None:
    """The same for this process, as far as the kernel tells: the worker of a parent that was killed serves nobody."""
    if KERNEL_TELLS:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


@contextmanager
def watched(pid: int, death_signal: int) -> Iterator[None]:
    """The same where the kernel does not tell: a shell waits for our end of its pipe to close."""
    argv = ["/bin/sh", "-c", WATCH, "watch", str(int(death_signal)), str(pid)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True) as shell:  # noqa: S603 - fixed
        try:
            yield
        finally:
            os.killpg(shell.pid, 9)  # Before the pipe closes: the server has already been stopped.
