"""`make bench-export`: rows per second and memory of exports over HTTP, held against their targets."""

import argparse
import asyncio
import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import make_url

from benchmarks.feed_sql import database
from feed_service.migrations import migrate

RESULTS = Path(__file__).parent / "results" / "export.json"
COMMAND = [sys.executable, "-m", "feed_service.cli"]

LIKES = 200_000
ADMIN = """
    WITH admin AS (INSERT INTO users (username, display_name, role) VALUES ('bench_admin', 'A', 'admin') RETURNING id)
    INSERT INTO post_likes (user_id, post_id)
    SELECT admin.id, post.id FROM admin, (SELECT id FROM posts LIMIT $1) AS post
"""
NO_ADMIN = (
    "DELETE FROM post_likes WHERE user_id = (SELECT id FROM users WHERE username = 'bench_admin')",
    "DELETE FROM users WHERE username = 'bench_admin'",
)

CHUNK_BYTES = 1 << 18
PAUSE_S = 0.01
"""Between two chunks of a reader who is slower than the service."""

MIN_ROWS_PER_S = 50_000
MAX_GROWTH_MB = 50


@dataclass(frozen=True)
class Case:
    name: str
    path: str
    pause_s: float = 0


CASES = (
    Case("follows", "/export/tables/user_follows"),
    Case("posts", "/export/tables/posts"),
    Case("likes", "/export/me"),
    Case("follows, slow reader", "/export/tables/user_follows", PAUSE_S),
)


@dataclass(frozen=True)
class Measured:
    """`growth_mb`: the most that was resident while it ran, over what was before it."""

    case: str
    rows: int
    mb: float
    first_line_ms: float
    rows_per_s: int
    growth_mb: float

    def __str__(self) -> str:
        return (
            f"{self.case:22} {self.rows:>9,} rows {self.mb:>7.1f} MB  first line {self.first_line_ms:>6.1f} ms"
            f" {self.rows_per_s:>8,} rows/s  memory {self.growth_mb:>+6.1f} MB"
        )


@dataclass(frozen=True)
class Server:
    """The service in a process of its own, and a token for its admin."""

    process: subprocess.Popen[str]
    address: str
    token: str

    def resident_mb(self, field: str) -> float:
        """`VmRSS` is now, `VmHWM` the most since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith(f"{field}:")]
        return int(line.split()[1]) / 1_024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def measure(self, case: Case) -> Measured:
        self.forget_peak()
        before, started = self.resident_mb("VmRSS"), time.perf_counter()
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", case.path, headers={"Authorization": f"Bearer {self.token}"})
        response = connection.getresponse()
        header = response.readline()
        first_line_s = time.perf_counter() - started
        if not header.startswith(b'{"type":"header"'):
            raise SystemExit(f"{case.path} answered {response.status}: {header.decode()}")
        rows, size = read(response, case.pause_s)
        seconds = time.perf_counter() - started
        connection.close()
        growth = round(self.resident_mb("VmHWM") - before, 1)
        speed = int(rows / seconds)
        return Measured(case.name, rows, round(size / 1e6, 1), round(first_line_s * 1e3, 1), speed, growth)


def read(response: http.client.HTTPResponse, pause_s: float) -> tuple[int, int]:
    """(rows, bytes), held against the trailer."""
    sha256, rows, size, rest = hashlib.sha256(), 0, 0, b""
    while chunk := response.read(CHUNK_BYTES):
        block = rest + chunk
        end = block.rfind(b"\n", 0, len(block) - 1) + 1
        sha256.update(block[:end])
        rows += block.count(b"\n", 0, end)
        size += len(chunk)
        rest = block[end:]
        time.sleep(pause_s)
    trailer = json.loads(rest)
    if trailer != {"type": "trailer", "rows": rows, "sha256": sha256.hexdigest(), "complete": True}:
        raise SystemExit(f"{rows} rows with {sha256.hexdigest()} do not have the trailer {trailer}")
    return rows, size


@contextmanager
def serving(url: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        variables = os.environ | {"DATABASE_URL": url, "FEED_DATA_DIR": folder, "FEED_JOBS": "off", "PORT": "0"}
        token = subprocess.check_output([*COMMAND, "token", "bench_admin"], env=variables, text=True).strip()
        process = subprocess.Popen([*COMMAND, "serve"], env=variables, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout  # noqa: S101 - it is a pipe.
            said = next((line for line in process.stdout if line.startswith("GraphiQL: ")), None)
            if said is None:
                raise SystemExit(f"the service ended with {process.wait()}")
            yield Server(process, urlsplit(said.split()[1]).netloc, token)
        finally:
            process.terminate()
            process.wait()


async def prepared(url: str, *, is_end: bool = False) -> None:
    """With an admin who likes a lot; or, at the end, without."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    for statement in NO_ADMIN:
        await connection.execute(statement)
    if not is_end:
        await connection.execute(ADMIN, LIKES)
    await connection.close()


def run(url: str) -> list[Measured]:
    asyncio.run(migrate(url))
    asyncio.run(prepared(url))
    try:
        with serving(url) as server:
            server.measure(Case("warm", "/export/tables/tags"))
            found = []
            for case in CASES:
                found.append(server.measure(case))
                print(found[-1], flush=True)
            return found
    finally:
        asyncio.run(prepared(url, is_end=True))


def verdicts(found: list[Measured]) -> list[dict[str, object]]:
    """The worst line of all against the targets of the issue; a slow reader is held against that of memory only."""
    slowest = min(line.rows_per_s for line, case in zip(found, CASES, strict=True) if not case.pause_s)
    largest = max(line.growth_mb for line in found)
    speed = {
        "target": "rows per second",
        "at_least": MIN_ROWS_PER_S,
        "worst": slowest,
        "met": slowest >= MIN_ROWS_PER_S,
    }
    memory = {"target": "growth, MB", "below": MAX_GROWTH_MB, "worst": largest, "met": largest < MAX_GROWTH_MB}
    return [speed, memory]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", help="a seeded database; it is migrated, and bench_admin comes and goes in it")
    arguments.add_argument("--folder", type=Path, default=Path(".data/benchmark"))
    given = arguments.parse_args()
    with database(given.url, given.folder) as url:
        found = run(url)
    judged = verdicts(found)
    for verdict in judged:
        print("met   " if verdict["met"] else "MISSED", verdict)
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"at": datetime.now(UTC).isoformat(), "targets": judged, "lines": [asdict(line) for line in found]}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
