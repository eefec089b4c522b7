"""Exports over HTTP: who gets which, how a download looks, and what a client costs that stalls or leaves."""

import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route

from feed_service.errors import Unauthenticated
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.exports.stream import AT_ONCE, ExportDatabase
from feed_service.http.exports import ExportEndpoint, of_oneself, of_table
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.site import create_site
from feed_service.viewer import Role, Viewer
from tests.exports.reading import read
from tests.http.server import serving
from tests.http.small import core, is_current
from tests.imports.running import fetch
from tests.scratch import execute

SEND_WITHIN_S = 0.3
WITHIN_S = 10

PEOPLE = {"ann": Role.USER, "mo": Role.MODERATOR, "al": Role.ADMIN, "ada": Role.ADMIN}
"""By their ids, from 1; a token is a name."""

FILL = """
    INSERT INTO users (username, display_name) SELECT name, '' FROM unnest(ARRAY['ann', 'mo', 'al', 'ada']) AS name;
    INSERT INTO external_ids SELECT 'made', 'row', lpad(n::text, 200, '0'), n FROM generate_series(1, 100000) AS n
"""
MORE_THAN_SOCKETS_HOLD = "/export/tables/external_ids"
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"


async def viewer_of(token: str) -> Viewer:
    if token not in PEOPLE:
        raise Unauthenticated("The token is not valid.")
    return Viewer([*PEOPLE].index(token) + 1, PEOPLE[token])


def site_on(url: str, *, send_within_s: float) -> Starlette:
    exports = ExportDatabase.connect(url)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await exports.close()

    endpoint = GraphQLEndpoint(Execution(core, Plans(core)), Documents(core), viewer_of, lambda viewer, _: viewer)
    further = [
        Route(path, ExportEndpoint(source_of, viewer_of, exports, send_within_s=send_within_s))
        for path, source_of in (("/export/me", of_oneself), ("/export/tables/{table}", of_table))
    ]
    return create_site(endpoint, is_current, lifespan, further)


@pytest_asyncio.fixture(scope="module")
async def filled_url(module_database_url: str) -> str:
    for statement in FILL.split(";\n"):
        await execute(module_database_url, statement)
    return module_database_url


@pytest.fixture(scope="module")
def url(filled_url: str) -> Iterator[str]:
    with serving(site_on(filled_url, send_within_s=30)) as address:
        yield address


def get(url: str, path: str, token: str | None = None, method: str = "GET", **headers: str) -> httpx2.Response:
    with httpx2.Client(base_url=url, timeout=30) as client:
        return client.request(method, path, headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}))


def code_of(answer: httpx2.Response) -> str | None:
    if answer.status_code == 200:
        return None
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    [error] = answer.json()["errors"]
    return str(error["extensions"]["code"])


@contextmanager
def stalled(url: str, token: str) -> Iterator[socket.socket]:
    """A client that asks for more than it reads: only the beginning of the head."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        head = f"GET {MORE_THAN_SOCKETS_HOLD} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        yield client


async def wait_for_exports(database_url: str, number: int) -> None:
    """Until so many are under way; one that is stalled stays so."""
    deadline = time.monotonic() + WITHIN_S
    while await fetch(database_url, BUSY) != [(number,)]:
        assert time.monotonic() < deadline, f"There are not {number} exports under way."


CASES: dict[str, dict[str | None, tuple[int, str | None]]] = {
    "/export/me": {
        None: (401, "UNAUTHENTICATED"),
        "forged": (401, "UNAUTHENTICATED"),
        "ann": (200, None),
        "mo": (200, None),
        "al": (200, None),
    },
    "/export/tables/users": {
        None: (401, "UNAUTHENTICATED"),
        "forged": (401, "UNAUTHENTICATED"),
        "ann": (403, "FORBIDDEN"),
        "mo": (403, "FORBIDDEN"),
        "al": (200, None),
    },
    "/export/tables/nothing": {
        None: (401, "UNAUTHENTICATED"),
        "ann": (403, "FORBIDDEN"),
        "mo": (403, "FORBIDDEN"),
        "al": (404, "NOT_FOUND"),
    },
    "/export/tables/refresh_tokens": {"al": (404, "NOT_FOUND")},
    "/export/tables/": {"al": (404, "NOT_FOUND")},
    "/export/me/": {"ann": (404, "NOT_FOUND")},
    "/export/me?after=1": {None: (401, "UNAUTHENTICATED"), "ann": (400, "INVALID_CURSOR")},
    "/export/me?after=%ff%00": {"ann": (400, "INVALID_CURSOR")},
    "/export/me?afer=1": {"ann": (400, "BAD_USER_INPUT")},
    "/export/me?after=1&after=2": {"ann": (400, "BAD_USER_INPUT")},
    "/export/tables/users?after=%5B%22posts%22,1%5D": {"ann": (403, "FORBIDDEN"), "al": (400, "INVALID_CURSOR")},
}


@pytest.mark.parametrize(
    ("path", "who", "expected"), [(path, who, case) for path, cases in CASES.items() for who, case in cases.items()]
)
def test_who_gets_what(url: str, path: str, who: str | None, expected: tuple[int, str | None]) -> None:
    answer = get(url, path, who)
    assert (answer.status_code, code_of(answer)) == expected
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
def test_only_get_is_taken(url: str, method: str) -> None:
    answer = get(url, "/export/me", "ann", method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_the_service_has_both_addresses(real_url: str) -> None:
    for path in ("/export/me", "/export/tables/users"):
        assert code_of(get(real_url, path)) == "UNAUTHENTICATED"


def test_one_gets_ones_own(url: str) -> None:
    answer = get(url, "/export/me", "mo")
    assert answer.headers["content-disposition"] == 'attachment; filename="me.ndjson"'
    [profile] = read(answer.content).data
    assert profile["username"] == "mo"


def test_a_table_is_an_uncompressed_stream_of_lines(url: str) -> None:
    answer = get(url, MORE_THAN_SOCKETS_HOLD, "al", **{"Accept-Encoding": "gzip"})
    export = read(answer.content)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="external_ids.ndjson"'
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-encoding" not in answer.headers
    assert export.trailer
    assert [row["local_id"] for row in export.data] == list(range(1, 100_001))


def test_a_download_goes_on_behind_a_key(url: str) -> None:
    whole = read(get(url, "/export/tables/users", "al").content)
    key = json.dumps(whole.rows[1]["key"])
    with httpx2.Client(base_url=url, headers={"Authorization": "Bearer al"}) as client:
        rest = read(client.get("/export/tables/users", params={"after": key}).content)
    assert rest.rows == whole.rows[2:]
    assert (rest.header["resumed"], rest.header["after"]) == (True, whole.rows[1]["key"])


async def test_one_export_per_user_and_few_in_all(url: str, filled_url: str) -> None:
    with stalled(url, "al"):
        again = get(url, "/export/me", "al")
        assert (again.status_code, code_of(again), again.headers["retry-after"]) == (429, "RATE_LIMITED", "30")
        assert get(url, "/export/tables/users", "ada").status_code == 200
        with stalled(url, "ada"):
            assert AT_ONCE == 2
            third = get(url, "/export/me", "ann")
            assert (third.status_code, code_of(third), third.headers["retry-after"]) == (503, "OVERLOADED", "30")
            assert httpx2.post(f"{url}/graphql", json={"query": "{ person { name } }"}).status_code == 200
    await wait_for_exports(filled_url, 0)
    for who in ("al", "ada", "ann"):
        assert get(url, "/export/me", who).status_code == 200


async def test_clients_that_leave_free_their_connections(
    url: str, filled_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(AT_ONCE * 3):
        with stalled(url, "al"):
            await wait_for_exports(filled_url, 1)
        await wait_for_exports(filled_url, 0)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert read(get(url, MORE_THAN_SOCKETS_HOLD, "al").content).trailer


async def test_a_client_that_stops_reading_is_cut_off_without_a_trailer(
    filled_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(site_on(filled_url, send_within_s=SEND_WITHIN_S)) as url, stalled(url, "al") as client:
        await wait_for_exports(filled_url, 0)
        body = b"".join(iter(lambda: client.recv(1 << 20), b""))
    assert b'"type":"header"' in body
    assert b'"type":"trailer"' not in body
    assert not body.endswith(b"0\r\n\r\n"), "the end of a chunked body would say that it is whole"
    assert "the client reads too slowly" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_server_that_breaks_off_leaves_no_whole_body(url: str, filled_url: str) -> None:
    with stalled(url, "al") as client:
        await wait_for_exports(filled_url, 1)
        await execute(filled_url, BUSY.replace("count(*)", "pg_terminate_backend(pid)"))
        body = b"".join(iter(lambda: client.recv(1 << 20), b""))
    assert b'"type":"trailer"' not in body
    assert not body.endswith(b"0\r\n\r\n")
    assert read(get(url, "/export/me", "al").content).trailer
