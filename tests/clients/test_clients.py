"""Apollo Client, urql, plain conditional requests and the polling helper, in Node, against real services."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from feed_service.app import create_app
from feed_service.settings import Settings
from tests.http.server import serving

HERE = Path(__file__).parent


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
