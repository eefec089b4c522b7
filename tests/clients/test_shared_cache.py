"""A real shared cache before the service: nginx, as docs/polling.md configures it, where it is installed."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from feed_service.app import create_app
from feed_service.settings import Settings
from tests.http.server import serving

PAGE = Path(__file__).parents[2] / "docs" / "polling.md"
STARTS_WITHIN_S = 10
LATEST_S = 10
QUERY = "query Shared { feed(kind: GLOBAL, first: 3) { nodes { title viewerCanEdit } } }"


class Counting:
    """An ASGI application that counts the requests for GraphQL that reach it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += scope.get("path") == "/graphql"
        await self.app(scope, receive, send)


@contextmanager
def nginx_before(url: str, folder: Path) -> Iterator[str]:
    """The address of an nginx with the configuration of the docs, its files in `folder`."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(configuration(url, folder, port))
    process = subprocess.Popen([program, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"])
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def configuration(url: str, folder: Path, port: int) -> str:
    """That of the docs, with the address and the folders of this test."""
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    site = found[1].replace("http://127.0.0.1:8000", url).replace("/var/cache/nginx", str(folder))
    site = site.replace("server {", f"server {{ listen 127.0.0.1:{port};")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = " ".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    return f"daemon off; {user} pid {folder / 'pid'}; events {{}} http {{ access_log off; {folders} {site} }}"


def wait_for(port: int) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nginx did not start."
            time.sleep(0.02)
        else:
            return


class Site:
    """Requests through the cache; `service` counts those that it let through."""

    def __init__(self, client: httpx2.Client, service: Counting) -> None:
        self.client = client
        self.service = service

    def mutate(self, name: str, argument: str, value: object, result: str, token: str | None = None) -> Any:  # noqa: ANN401 - JSON.
        query = f"mutation ($value: {argument}) {{ {name} {{ {result} userErrors {{ code }} }} }}"
        answer = self.client.post(
            "/graphql", json={"query": query, "variables": {"value": value}}, headers=authorization(token)
        ).json()
        (payload,) = answer["data"].values()
        assert payload.pop("userErrors") == []
        return payload

    def signed_up(self, username: str) -> str:
        value = {"username": username, "email": f"{username}@example.org", "password": "flour, water, salt"}
        payload = self.mutate("signUp(input: $value)", "SignUpInput!", value, "session { accessToken }")
        return str(payload["session"]["accessToken"])

    def posted(self, title: str, token: str) -> str:
        value = {"title": title, "body": title}
        payload = self.mutate("createPost(input: $value)", "CreatePostInput!", value, "post { id }", token)
        return str(payload["post"]["id"])

    def poll(self, token: str | None = None, etag: str | None = None, query: str | None = None) -> httpx2.Response:
        persisted = {"persistedQuery": {"version": 1, "sha256Hash": sha256(QUERY.encode()).hexdigest()}}
        parameters = {"extensions": orjson.dumps(persisted).decode()} | ({"query": query} if query else {})
        headers = authorization(token) | ({"If-None-Match": etag} if etag else {})
        return self.client.get("/graphql", params=parameters, headers=headers)


def authorization(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.fixture
def site(empty_database_url: str, tmp_path: Path) -> Iterator[Site]:
    variables = {"DATABASE_URL": empty_database_url, "FEED_DATA_DIR": str(tmp_path / "data"), "FEED_JOBS": "off"}
    service = Counting(create_app(Settings.from_environment(variables)))
    cache = tmp_path / "nginx"
    cache.mkdir()
    with serving(service) as url, nginx_before(url, cache) as front, httpx2.Client(base_url=front) as client:
        yield Site(client, service)


def test_a_shared_cache_answers_strangers_and_leads_viewers_through(site: Site) -> None:
    author, reader = site.signed_up("author"), site.signed_up("reader")
    post_id = site.posted("Shared", author)
    assert site.poll(query=QUERY).status_code == 200

    strangers = {site.poll().text for _ in range(3)}
    asked = site.service.asked
    assert {site.poll().text for _ in range(5)} <= strangers
    assert site.service.asked - asked < 5  # One for each two seconds or three.

    seen = {token: site.poll(token) for token in (author, reader)}
    can_edit = [seen[token].json()["data"]["feed"]["nodes"][0]["viewerCanEdit"] for token in (author, reader)]
    assert can_edit == [True, False]
    for token, response in seen.items():
        asked = site.service.asked
        again = site.poll(token, response.headers["etag"])
        assert (again.status_code, again.content, site.service.asked - asked) == (304, b"", 1)
        assert again.headers["cache-control"] == response.headers["cache-control"] == "private, no-cache"
    assert site.poll(reader, seen[author].headers["etag"]).status_code == 200

    site.mutate("deletePost(id: $value)", "ID!", post_id, "deletedId", author)
    assert site.poll(reader).json()["data"]["feed"]["nodes"] == []
    deadline = time.monotonic() + LATEST_S
    while site.poll().json()["data"]["feed"]["nodes"]:
        assert time.monotonic() < deadline, "The cache still shows what was deleted."
        time.sleep(0.1)
