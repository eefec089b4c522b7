"""The user a server runs as: our own, or for root one that can touch nothing but its data."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from feed_service.embedded.errors import ServerFailed

NOBODY = 65534
DESCRIPTORS = Path("/proc/self/fd")


class Account(NamedTuple):
    uid: int
    gid: int


def server_account(folder: Path | None = None) -> Account | None:
    """None: our own user. For root the owner of `folder`, who can then use it later without root, or nobody."""
    if os.geteuid() != 0:
        return None
    if not DESCRIPTORS.is_dir():
        raise ServerFailed("On this system the embedded servers cannot be started by root: use another user.")
    owner = folder.stat() if folder and folder.exists() else None
    return Account(owner.st_uid, owner.st_gid) if owner and owner.st_uid else Account(NOBODY, NOBODY)


def popen_options(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def give(folder: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(folder, account.uid, account.gid)


@contextmanager
def path_for(account: Account | None, folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """(path, descriptors to inherit) that lead `account` into `folder`.

    The account may be unable to pass the parents (a clone in a home of mode 0700), so root opens the folder
    and the server reaches it through the inherited descriptor: no parent's permission is changed.
    """
    if account is None:
        yield str(folder), ()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield str(DESCRIPTORS / str(descriptor)), (descriptor,)
    finally:
        os.close(descriptor)
