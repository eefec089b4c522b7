"""The commands as a user gives them, on an embedded server of their own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from feed_service.settings import CHECKOUT

COMMAND = [sys.executable, "-W", "error", "-m", "feed_service.cli"]
START_S = 30


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "CACHE_URL", "PORT"}}
    return kept | {"FEED_DATA_DIR": str(folder)} | more


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def outcome(*command: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, *command]
    return subprocess.run(words, env=variables, cwd=CHECKOUT, text=True, capture_output=True, check=False, timeout=60)


class Service:
    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.folder, self.port = folder, free_port()
        command = [*COMMAND, "serve", *options]
        self.process = subprocess.Popen(
            command, env=environment(folder, PORT=str(self.port), **variables), cwd=CHECKOUT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.said = ""

    def wait(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if line.startswith("GraphiQL: "):
                return
        raise AssertionError(f"it ended with {self.process.wait()}: {self.said}")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return outcome(*command, variables=environment(self.folder))

    def ask(self, query: str, token: str | None = None) -> dict[str, object]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)  # type: ignore[no-any-return]

    def postgres(self) -> int:
        return int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=START_S)
        return self.process.returncode


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path / "data")
    running.wait()
    yield running
    if running.process.poll() is None:
        running.stop()


def test_one_command_serves_the_demo_set_and_another_signs_in(service: Service) -> None:
    assert re.search(rf"^GraphiQL: http://127\.0\.0\.1:{service.port}/graphql$", service.said, re.MULTILINE)
    printed = service.run("token", "DEMO")
    assert (printed.returncode, printed.stdout.count("\n"), printed.stderr) == (0, 1, "")
    found = service.ask("{ viewer { user { username } } feed(kind: HOME) { nodes { id } } }", printed.stdout.strip())
    assert found["data"]["viewer"] == {"user": {"username": "demo"}}  # type: ignore[index]
    assert len(found["data"]["feed"]["nodes"]) == 20  # type: ignore[index]
    stranger = service.run("token", "nobody_here")
    assert (stranger.returncode, stranger.stdout) == (1, "")
    assert stranger.stderr == "feed-service: There is no user named nobody_here.\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_server_and_keeps_its_data(service: Service, number: signal.Signals) -> None:
    server, token = service.postgres(), service.run("token", "demo").stdout.strip()
    service.stop(number)
    assert not is_alive(server)
    again = Service(service.folder)
    again.wait()
    try:
        assert again.ask("{ viewer { user { username } } }", token)["data"] == {
            "viewer": {"user": {"username": "demo"}}
        }
    finally:
        again.stop()


def slow_start(folder: Path) -> str:
    """A folder for PYTHONPATH that keeps uvicorn's workers, and nobody else, silent for longer than its own 5 s."""
    folder.mkdir()
    code = "import sys, time\nif 'multiprocessing.spawn' in ' '.join(sys.orig_argv):\n    time.sleep(6)\n"
    (folder / "sitecustomize.py").write_text(code)
    return str(folder)


def children(service: Service) -> list[int]:
    return [
        int(pid) for pid in Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    ]


def workers(service: Service) -> list[int]:
    return [pid for pid in children(service) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_several_slow_workers_answer_and_leave_nothing_behind(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", "--workers", "2", PYTHONPATH=slow_start(tmp_path / "slow"))
    deadline = time.monotonic() + START_S
    while len(workers(service)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    begun = workers(service)
    service.wait()
    server, left = service.postgres(), children(service)
    assert len(begun) == 2
    assert workers(service) == begun, "a worker was replaced while it started"
    assert all(service.ask("{ categories { slug } }")["data"] for _ in range(8))
    programs = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
    assert sum(b"valkey" in program for program in programs) == 1, "the workers share a cache"
    service.stop()
    time.sleep(0.2)
    assert not [pid for pid in [server, *left] if is_alive(pid)]


def test_what_a_user_can_correct_is_one_sentence(service: Service, tmp_path: Path) -> None:
    taken = outcome("serve", variables=environment(tmp_path / "other", PORT=str(service.port)))
    assert taken.returncode == 1
    assert f"feed-service: Port {service.port} of 127.0.0.1 cannot be listened on" in taken.stderr
    for variables, words in (
        ({"PORT": "http"}, "PORT must be a number"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "No PostgreSQL can be reached at 127.0.0.1:1"),
    ):
        refused = outcome("migrate", variables=environment(tmp_path / "other", **variables))
        assert (refused.returncode, refused.stdout) == (1, ""), variables
        assert refused.stderr.count("\n") == 1, refused.stderr
        assert words in refused.stderr
