"""Short-lived folders of a server: where its sockets lie, and its programs when it cannot reach ours."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from feed_service.embedded.account import Account, give
from feed_service.embedded.errors import ServerFailed

PREFIX = "feed-"
LOCK = "lock"
LONGEST_PARENT = 60
"""A socket's path must fit in 104 bytes (macOS; Linux 108), and ours adds 30."""


@contextmanager
def runtime_folder(account: Account | None) -> Iterator[Path]:
    """A folder of ours, with `sockets(folder)` in it, removed at the end; those of killed processes go first.

    The outer one stays root's, so that the server's user cannot put a link where root is about to write.
    """
    parent = _parent(account)
    for left in parent.glob(f"{PREFIX}*"):
        if _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)  # Another process may have seen it, too.
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            folder.chmod(0o700 if account is None else 0o711)
            sockets(folder).mkdir(mode=0o700)
            give(sockets(folder), account)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # A cleaner of old temporary files may be at work.


def sockets(folder: Path) -> Path:
    return folder / "s"


def copy_for_everyone(base: Path, parts: Iterable[Path], target: Path) -> None:
    """Copy `parts` of `base` so that any user can read and run them, however private `base` is."""
    for part in parts:
        shutil.copytree(base / part, target / part, copy_function=shutil.copyfile)
    for copy in (target, *target.rglob("*")):
        copy.chmod(0o755)


def _parent(account: Account | None) -> Path:
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes private folders
        folder = Path(name).resolve()
        if folder.is_dir() and len(os.fsencode(folder)) <= LONGEST_PARENT and _passable(folder, account):
            return folder
    raise ServerFailed("No temporary folder with a short path is open to the server's user: set TMPDIR.")


def _passable(folder: Path, account: Account | None) -> bool:
    if account is None:
        return os.access(folder, os.W_OK | os.X_OK)
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


def _is_abandoned(folder: Path) -> bool:
    """Whether it is ours and nobody holds its lock any more, which ends with the process."""
    try:
        if folder.lstat().st_uid != os.geteuid():
            return False
        with (folder / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError, BlockingIOError):
        return False  # Just being made, just removed, not one of these, or in use.
    return True
