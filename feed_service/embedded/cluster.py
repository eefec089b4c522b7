"""A data folder of PostgreSQL: made whole or not at all, of one major version, and free of a dead server's marks."""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from feed_service.embedded import death, process
from feed_service.embedded.account import Account, give, path_for
from feed_service.embedded.errors import DataFolderUnusable, DataFolderVersion

PREDECESSOR_LIMIT_S = 20.0


@dataclass(frozen=True)
class Installation:
    """The programs that serve the folder, as whom, and where they write what they say."""

    bin_dir: Path
    major: int
    account: Account | None
    log: Path


def prepare(cluster: Path, installation: Installation, *, durable: bool) -> None:
    """Make `cluster` if it is missing, with an empty database `feed`.

    Raises:
        DataFolderVersion: another major version made it.
        DataFolderUnusable: it holds something else.
        ServerFailed: initdb failed.
    """
    version = cluster / "PG_VERSION"
    if version.exists():
        found = version.read_text(encoding="ascii").strip()
        if found != str(installation.major):
            raise DataFolderVersion(found, installation.major)
        return
    if cluster.exists() and any(cluster.iterdir()):
        raise DataFolderUnusable(f"{cluster} is not empty, but holds no PostgreSQL data.")
    _create(cluster, installation, durable=durable)


def wait_for_predecessor(cluster: Path) -> None:
    """Wait for the server of a killed owner, which is shutting down; drop its mark if the pid is a stranger's."""
    deadline = time.monotonic() + PREDECESSOR_LIMIT_S
    while (pid := recorded_pid(cluster)) and _may_serve(pid, cluster) and time.monotonic() < deadline:
        time.sleep(process.POLL_S)
    if pid and not _may_serve(pid, cluster):
        # PostgreSQL refuses to start while any process of its user has this number, as after a reboot.
        # Orphaned backends it finds without this file, by the shared memory of the folder.
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def recorded_pid(cluster: Path) -> int | None:
    lines = status_lines(cluster)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def status_lines(cluster: Path) -> Sequence[str]:
    """postmaster.pid: the pid in line 1, "ready" in line 8 as soon as connections are served."""
    try:
        return (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()


def _may_serve(pid: int, cluster: Path) -> bool:
    """Whether `pid` is alive and, as far as can be told, the server of this folder: it works in it."""
    try:
        os.kill(pid, 0)
        return not death.KERNEL_TELLS or Path(f"/proc/{pid}/cwd").samefile(cluster)
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:  # Another user's, or a container without ptrace: its name has to do.
        name = Path(f"/proc/{pid}/comm")
        return not name.exists() or name.read_text(encoding="utf-8").strip() == "postgres"


def _create(cluster: Path, installation: Installation, *, durable: bool) -> None:
    """Under another name first: what a crash leaves half made is never taken for data."""
    new = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    give(new, installation.account)
    with path_for(installation.account, new) as (path, descriptors):
        initdb = [
            str(installation.bin_dir / "initdb"),
            f"--pgdata={path}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            *_locale(installation.major),
            *([] if durable else ["--no-sync"]),
        ]
        single = [str(installation.bin_dir / "postgres"), "--single", "-D", path]
        single += ["-c", "exit_on_error=on", "-c", f"fsync={'on' if durable else 'off'}", "postgres"]
        for argv, stdin in ((initdb, b""), (single, b"CREATE DATABASE feed\n")):
            process.run(
                process.Program(
                    name=Path(argv[0]).name,
                    argv=argv,
                    log=installation.log,
                    account=installation.account,
                    descriptors=descriptors,
                    stdin=stdin,
                    stop_signals=(SIGKILL,),
                    needs_name=True,
                )
            )
    new.replace(cluster)


def _locale(major: int) -> list[str]:
    """Nothing depends on it but upper and lower case; the built-in one needs no locale of the machine."""
    if sys.platform == "darwin":
        return ["--locale=C"] if major < 17 else ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8", *(["--locale-provider=builtin"] if major >= 17 else [])]
