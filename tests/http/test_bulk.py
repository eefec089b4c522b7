"""Bulks over HTTP: who may, how lines arrive and outcomes leave, and what becomes of a client that stops halfway."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from feed_service.commands.bulk import chunks, uploads
from feed_service.database import ReadDatabase
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.http.bulk import BulkEndpoints
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.site import create_site
from feed_service.jobs.runner import Runner
from feed_service.transactions import WriteDatabase
from tests.http.server import serving
from tests.http.small import core, is_current
from tests.http.test_exports import code_of, viewer_of
from tests.imports.running import fetch
from tests.jobs.counting import HURRIED
from tests.scratch import execute

WITHIN_S = 20
MAX_BYTES = 2_000_000
NDJSON = "application/x-ndjson"
FILL = """
    INSERT INTO users (username, display_name, role)
    VALUES ('ann', '', 'user'), ('mo', '', 'moderator'), ('al', '', 'admin'), ('ada', '', 'admin')
"""
"""By their ids, from 1: see `test_exports.PEOPLE`."""


def site_on(url: str) -> Starlette:
    database, writing = ReadDatabase.connect(url), WriteDatabase.connect(url)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        runner = Runner(writing, {uploads.JOB: chunks.do_chunk}, HURRIED)
        working = asyncio.create_task(runner.run())
        yield
        runner.stop()
        await working
        await writing.close()
        await database.close()

    bulks = BulkEndpoints(viewer_of, database, writing, asyncio.Semaphore(1), MAX_BYTES, 0.5)
    endpoint = GraphQLEndpoint(Execution(core, Plans(core)), Documents(core), viewer_of, lambda viewer, _: viewer)
    return create_site(endpoint, is_current, lifespan, bulks.routes())


@pytest_asyncio.fixture(scope="module")
async def filled_url(module_database_url: str) -> str:
    await execute(module_database_url, FILL)
    await execute(module_database_url, "INSERT INTO user_stats (user_id) SELECT id FROM users")
    return module_database_url


@pytest.fixture(scope="module")
def url(filled_url: str) -> Iterator[str]:
    with serving(site_on(filled_url)) as address:
        yield address


Ask = Callable[..., httpx2.Response]


@pytest.fixture
def ask(url: str) -> Iterator[Ask]:
    with httpx2.Client(base_url=url, timeout=30) as client:

        def ask(method: str, path: str, token: str | None = "al", body: bytes = b"", **headers: str) -> httpx2.Response:  # noqa: S107
            given = {"Content-Type": NDJSON} | {name.replace("_", "-"): value for name, value in headers.items()}
            if token:
                given["Authorization"] = f"Bearer {token}"
            return client.request(method, path, content=body, headers=given)

        yield ask


def ended(ask: Ask, answer: httpx2.Response) -> Any:  # noqa: ANN401 - JSON.
    """What is told of the bulk at its end."""
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + WITHIN_S
    while (told := ask("GET", answer.headers["location"]).json())["finishedAt"] is None:
        assert time.monotonic() < deadline, told
        time.sleep(0.02)
    return told


def follows(*pairs: tuple[str, str]) -> bytes:
    return b"\n".join(json.dumps({"follower": a, "followee": b}).encode() for a, b in pairs)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/bulk/follows"),
        ("POST", "/bulk/nothing"),
        ("GET", "/bulk/jobs/1"),
        ("GET", "/bulk/jobs/1/outcomes"),
        ("POST", "/bulk/jobs/1/cancel"),
        ("POST", "/bulk/jobs/1/undo"),
    ],
)
async def test_only_admins_learn_anything(ask: Ask, filled_url: str, method: str, path: str) -> None:
    before = await fetch(filled_url, "SELECT count(*) FROM bulks")
    refused = {None: (401, "UNAUTHENTICATED"), "forged": (401, "UNAUTHENTICATED"), "ann": (403, "FORBIDDEN")}
    for token, expected in {**refused, "mo": (403, "FORBIDDEN")}.items():
        answer = ask(method, path, token, follows(("ann", "mo")))
        assert (answer.status_code, code_of(answer)) == expected
    assert await fetch(filled_url, "SELECT count(*) FROM bulks") == before


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("POST", "/bulk/nothing", {}, (404, "NOT_FOUND")),
        ("POST", "/bulk/follows?dryRun=yes", {}, (400, "BAD_USER_INPUT")),
        ("POST", "/bulk/follows?dryRun=true&dryRun=true", {}, (400, "BAD_USER_INPUT")),
        ("POST", "/bulk/follows?dryrun=true", {}, (400, "BAD_USER_INPUT")),
        ("POST", "/bulk/follows", {"Content_Type": "application/json"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("POST", "/bulk/follows", {"Content_Encoding": "gzip"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("POST", "/bulk/follows", {"Idempotency_Key": "x" * 201}, (400, "BAD_USER_INPUT")),
        ("GET", "/bulk/follows", {}, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/bulk/jobs/999999", {}, (404, "NOT_FOUND")),
        ("GET", "/bulk/jobs/0x1", {}, (404, "NOT_FOUND")),
        ("GET", "/bulk/jobs/99999999999999999999", {}, (404, "NOT_FOUND")),
        ("GET", "/bulk/jobs/999999/outcomes", {}, (404, "NOT_FOUND")),
        ("GET", "/bulk/jobs/1/outcomes?after=-1", {}, (400, "BAD_USER_INPUT")),
        ("POST", "/bulk/jobs/999999/cancel", {}, (404, "NOT_FOUND")),
        ("POST", "/bulk/jobs/999999/undo", {}, (404, "NOT_FOUND")),
    ],
)
async def test_what_cannot_be_done_is_told_and_leaves_nothing(
    ask: Ask, filled_url: str, method: str, path: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    before = await fetch(filled_url, "SELECT count(*) FROM bulks")
    answer = ask(method, path, "al", follows(("ann", "mo")) if method == "POST" else b"", **headers)
    assert (answer.status_code, code_of(answer)) == expected
    assert await fetch(filled_url, "SELECT count(*) FROM bulks") == before


def test_lines_go_in_and_outcomes_come_out(ask: Ask) -> None:
    body = follows(("ann", "mo"), ("ann", "ann"), ("mo", "ann")) + b"\n\xff\n"
    for query, state in (("?dryRun=true", True), ("", False)):
        told = ended(ask, ask("POST", f"/bulk/follows{query}", body=body))
        assert (told["kind"], told["dryRun"], told["state"], told["bytes"]) == ("follows", state, "DONE", len(body))
        assert (told["lines"], told["linesDone"]) == (4, 4)
        assert told["outcomes"] == {"followed": 2, "refused": 2}
        assert told["refusals"] == {"SELF": 1, "MALFORMED": 1}
    answer = ask("GET", f"/bulk/jobs/{told['id']}/outcomes")
    assert answer.headers["content-type"] == NDJSON
    assert answer.headers["cache-control"] == "no-store"
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [(row["line"], row.get("reason", row["outcome"])) for row in found] == [
        (1, "followed"), (2, "SELF"), (3, "followed"), (4, "MALFORMED")
    ]  # fmt: skip
    rest = ask("GET", f"/bulk/jobs/{told['id']}/outcomes?after=2").text
    assert [json.loads(line) for line in rest.splitlines()] == found[2:]
    assert ask("GET", f"/bulk/jobs/{told['id']}/outcomes?after=4").text == ""
    assert code_of(ask("POST", f"/bulk/jobs/{told['id']}/undo")) == "BAD_USER_INPUT"


def test_many_chunks_come_out_in_their_order(ask: Ask) -> None:
    lines = [json.dumps({"username": f"user{number}"}).encode() for number in range(12_000)]
    told = ended(ask, ask("POST", "/bulk/users", body=b"\r\n".join(lines)))
    assert told["outcomes"] == {"inserted": 12_000}
    for after in (0, 4_999, 5_000, 7_777):
        rows = ask("GET", f"/bulk/jobs/{told['id']}/outcomes?after={after}").text.splitlines()
        assert [json.loads(row)["line"] for row in rows] == list(range(after + 1, 12_001))


async def test_a_key_makes_one_bulk_of_many_attempts(ask: Ask, filled_url: str) -> None:
    body = follows(("al", "mo"))
    first, again = (ask("POST", "/bulk/follows", body=body, Idempotency_Key="k") for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    ended(ask, first)
    for path, other in (
        ("/bulk/follows", body + b"\n"),
        ("/bulk/unfollows", body),
        ("/bulk/follows?dryRun=true", body),
    ):
        assert code_of(ask("POST", path, body=other, Idempotency_Key="k")) == "BAD_USER_INPUT"
    assert ask("POST", "/bulk/follows", "ada", body, Idempotency_Key="k").json()["id"] != first.json()["id"]
    kept = "SELECT count(*) FROM bulks WHERE created_by_id = 3 AND idempotency_key = 'k'"
    assert await fetch(filled_url, kept) == [(1,)]
    assert await fetch(filled_url, "SELECT count(*) FROM bulks WHERE job_id IS NULL") == [(0,)]


async def test_too_much_is_refused_however_it_is_announced(ask: Ask, filled_url: str) -> None:
    def unannounced() -> Iterator[bytes]:
        for _ in range(MAX_BYTES // 100_000 + 1):
            yield b"x" * 99_999 + b"\n"

    for body in (b"x" * (MAX_BYTES + 1), unannounced()):
        answer = ask("POST", "/bulk/follows", body=body)
        assert (answer.status_code, code_of(answer)) == (413, "BODY_TOO_LARGE")
    assert await fetch(filled_url, "SELECT count(*) FROM bulks WHERE job_id IS NULL") == [(0,)]


async def until(database_url: str, count: str, number: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    while await fetch(database_url, count) != [(number,)]:
        assert time.monotonic() < deadline, f"There never were {number}."


async def test_a_client_that_stops_halfway_leaves_nothing(ask: Ask, url: str, filled_url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    head = f"POST /bulk/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer al\r\nContent-Type: {NDJSON}\r\n"
    body = b'{"username": "halfway"}\n' * 6_000
    waiting = "SELECT count(*) FROM bulks WHERE job_id IS NULL"
    for leaves in (True, False):
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(f"{head}Content-Length: {2 * len(body)}\r\n\r\n".encode() + body)
            await until(filled_url, waiting, 1)
            busy = ask("POST", "/bulk/follows", body=follows(("ann", "mo")))
            assert (busy.status_code, code_of(busy), busy.headers["retry-after"]) == (503, "OVERLOADED", "30")
            assert leaves or client.recv(12) == b"HTTP/1.1 408"
        await until(filled_url, waiting, 0)
    assert await fetch(filled_url, "SELECT count(*) FROM users WHERE username = 'halfway'") == [(0,)]
    assert ask("POST", "/bulk/follows", body=follows(("ann", "mo"))).status_code == 202


def test_the_service_has_these_addresses(real_url: str) -> None:
    for method, path in (("POST", "/bulk/users"), ("GET", "/bulk/jobs/1"), ("GET", "/bulk/engagement")):
        assert code_of(httpx2.request(method, f"{real_url}{path}")) == "UNAUTHENTICATED"
