"""One server per data folder: the first process owns it, later ones join it. It ends with its owner."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from feed_service.embedded.errors import DataFolderUnusable
from feed_service.embedded.process import POLL_S

SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Record:
    """What a second process needs to use the server."""

    pid: int
    sockets: str
    major: int


@contextmanager
def place(data_dir: Path, limit_s: float) -> Iterator[Record | None]:
    """None: the data folder is ours while the block lasts. A record: its owner's server answers there.

    The lock goes with its process, so a crash of the owner frees the folder.
    """
    with _lock_file(data_dir) as lock:
        deadline = time.monotonic() + limit_s
        while not (owned := _try_lock(lock)):
            record = _read(data_dir)
            if record is not None and _answers(record):
                break
            if time.monotonic() > deadline:
                raise DataFolderUnusable(f"Another process holds {data_dir}, but its server does not answer.")
            time.sleep(POLL_S)
        if owned:
            _file(data_dir).unlink(missing_ok=True)  # An owner that was killed left its record.
        yield None if owned else record


@contextmanager
def announced(data_dir: Path, record: Record) -> Iterator[None]:
    """Let others join while the block lasts."""
    new = _file(data_dir).with_suffix(".new")
    new.write_text(json.dumps(asdict(record)), encoding="utf-8")
    new.replace(_file(data_dir))
    try:
        yield
    finally:
        _file(data_dir).unlink(missing_ok=True)


@contextmanager
def _lock_file(data_dir: Path) -> Iterator[int]:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataFolderUnusable(f"The data folder {data_dir} cannot be used: {error.strerror}.") from error
    try:
        yield lock
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(data_dir: Path) -> Path:
    return data_dir / "postgres.json"


def _read(data_dir: Path) -> Record | None:
    """None while the owner is starting or stopping its server."""
    try:
        return Record(**json.loads(_file(data_dir).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _answers(record: Record) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(f"{record.sockets}/{SOCKET_NAME}")
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True
