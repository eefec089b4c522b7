"""A name for a server's user that has none, as in a container that runs as any number: initdb insists on one."""

import ctypes
import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

from feed_service.embedded.account import Account

CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE = 4


def lend_name(account: Account | None) -> Callable[[], None] | None:
    """What a child runs, as its own user and before exec, to be seen under a name by itself alone.

    In a user namespace of its own the child has the number of some user with a name; what it writes
    still belongs to the real one. Where the kernel refuses, initdb says that the user does not exist.
    """
    uid = os.geteuid() if account is None else account.uid
    named = sorted(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid)
    if sys.platform != "linux" or uid in named or not named:
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def in_child() -> None:
        libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # After a change of user its own /proc is closed to it.
        if libc.unshare(CLONE_NEWUSER) == 0:
            Path("/proc/self/uid_map").write_text(f"{named[-1]} {uid} 1", encoding="ascii")

    return in_child
