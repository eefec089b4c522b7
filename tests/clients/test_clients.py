"""Apollo Client, urql, the polling helper and what docs/polling.md shows, against real services."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from feed_service.app import create_app
from feed_service.settings import Settings
from tests.http.server import serving

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "polling.md"
SIGN_UP = """mutation { signUp(input: {username: "demo", email: "demo@example.org", password: "flour, water, salt"}) {
  session { accessToken } } }"""


@pytest.fixture(scope="module")
def node() -> str:
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node is not installed")
    return program


@pytest.fixture(scope="module")
def urls(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two services on one database, with the same keys; each has a memory of its own."""
    folder = tmp_path_factory.mktemp("clients")
    variables = {"DATABASE_URL": module_database_url, "FEED_DATA_DIR": str(folder), "FEED_JOBS": "off"}
    settings = Settings.from_environment(variables)
    with serving(create_app(settings)) as one, serving(create_app(settings)) as two:
        yield f"{one} {two}"


def run(node: str, script: str, urls: str) -> None:
    done = subprocess.run(
        [node, "--test", script],
        cwd=HERE,
        env={**os.environ, "FEED_URLS": urls},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", ["apollo.test.js", "urql.test.js"])
def test_persisted_queries_of_other_clients(node: str, script: str, urls: str) -> None:
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        pytest.skip("the packages are not installed: `make test-clients`")
    run(node, script, urls)


@pytest.mark.parametrize("script", ["conditional.test.js", "poller.test.js"])
def test_conditional_requests_and_the_polling_helper(node: str, script: str, urls: str) -> None:
    run(node, script, urls)


def test_the_requests_of_the_page_work_as_they_stand_there(urls: str, tmp_path: Path) -> None:
    bash, curl = shutil.which("bash"), shutil.which("curl")
    if bash is None or curl is None:
        pytest.skip("bash and curl are not both installed")
    url = urls.split(maxsplit=1)[0]
    answer = httpx2.post(f"{url}/graphql", json={"query": SIGN_UP}).json()
    found = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    script = found[1].replace("http://127.0.0.1:8000", url)
    script = script.replace("$(.venv/bin/feed-service token demo)", answer["data"]["signUp"]["session"]["accessToken"])
    done = subprocess.run([bash, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    *_, unchanged, written, changed = done.stdout.splitlines()
    assert unchanged == "304"
    assert "errors" not in written
    assert '"title":"News"' in changed
