"""`make bench-profile`: where the time of a worker goes that answers FEED, as a file for https://speedscope.app."""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.asking import NAMES, Cast, operation, tokens_of
from benchmarks.entrants import NO_CACHES
from benchmarks.feed_sql import database
from benchmarks.served import CHECKOUT, UNCACHED, fired, running
from feed_service.app import signing_keys
from feed_service.settings import Settings

FOLDER = CHECKOUT / "docs" / "profiles"
PY_SPY = CHECKOUT / ".venv" / "profile" / "bin" / "py-spy"
CONNECTIONS = 16


def recorded(url: str, name: str, executor: str, seconds: int, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": folder, "FEED_JOBS": "off", "FEED_EXECUTOR": executor}
        cast = Cast.of(url)
        tokens = tokens_of(cast.viewers, signing_keys(Settings.from_environment(environment)))
        pollers = operation(name, cast).pollers(tokens)
        with running("the service", UNCACHED, environment | NO_CACHES) as server:
            fired(server.port, CONNECTIONS, 3, pollers)
            watching = ["record", "--pid", str(server.pid), "--duration", str(seconds), "--rate", "200"]
            argv = [str(PY_SPY), *watching, "--format", "speedscope", "--output", str(path)]
            with subprocess.Popen(argv) as watcher:
                fired(server.port, CONNECTIONS, seconds + 1, pollers)
                if watcher.wait():
                    raise SystemExit("py-spy failed; it needs the right to trace processes (ptrace).")
    path.write_text(json.dumps(slim(json.loads(path.read_text())), separators=(",", ":")) + "\n")


def slim(profile: dict[str, Any]) -> dict[str, Any]:
    """Without paths of this machine, and with one sample for equal stacks, whose order says nothing."""
    for frame in profile["shared"]["frames"]:
        frame["file"] = str(frame.get("file") or "").rpartition("site-packages/")[2].removeprefix(f"{CHECKOUT}/")
        if frame["file"].startswith("/"):
            frame["file"] = "python/" + "/".join(Path(frame["file"]).parts[-2:])
    for thread in profile["profiles"]:
        weights: dict[tuple[int, ...], float] = {}
        for stack, weight in zip(thread["samples"], thread["weights"], strict=True):
            weights[tuple(stack)] = round(weights.get(tuple(stack), 0.0) + weight, 6)
        thread["samples"], thread["weights"] = [list(stack) for stack in weights], list(weights.values())
    profile["profiles"].sort(key=lambda thread: -sum(thread["weights"]))
    return profile


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database, which is only read")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    arguments.add_argument("--operation", choices=NAMES, default="feed")
    arguments.add_argument("--executor", choices=("compiled", "reference"), default="compiled")
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--name", help="of the file; the operation's unless given")
    given = arguments.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{given.name or given.operation}.speedscope.json"
    with database(given.url, given.folder) as url:
        recorded(url, given.operation, given.executor, given.seconds, path)
    print(f"{path.relative_to(CHECKOUT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
