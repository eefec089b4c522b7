"""GraphiQL: the page works in a real browser, asks nobody else, and breaks none of its own rules."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from feed_service.execution.documents import Documents
from feed_service.http.graphiql import ASSETS, FROM_NPM, HOW_TO_GET_IT_OFFLINE, GraphiQL, examples
from feed_service.schema.schema import schema
from tests.http.browser import Page, find_browser, page

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
EDITOR = "document.querySelector('.graphiql-query-editor .CodeMirror')"
RESULT = "document.querySelector('.result-window')?.textContent"

needs_npm_assets = pytest.mark.skipif(
    not all((ASSETS / "node_modules" / path).exists() for path in FROM_NPM.values()),
    reason="the parts of GraphiQL are not installed: `make assets` with npm",
)


@pytest.fixture
def opened(real_url: str, tmp_path: Path) -> Iterator[Page]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed")
    with page(program, tmp_path / "profile") as tab:
        tab.call("Page.navigate", url=f"{real_url}/graphql")
        tab.wait_for(f"Boolean({EDITOR}?.CodeMirror.options.lint?.schema)")  # The editor has its text and the schema.
        yield tab


@needs_npm_assets
def test_a_typed_query_is_answered_without_a_violation(opened: Page, real_url: str, tmp_path: Path) -> None:
    opened.evaluate(f"void {EDITOR}.CodeMirror.focus()")
    opened.press("a", 65, is_control=True)
    opened.call("Input.insertText", text="{ __typename categories { name } }")
    # GraphiQL notes a moment later that the operation has another name now; nobody types that fast.
    opened.wait_for("document.querySelector('.graphiql-tab').textContent.includes('<untitled>')")
    opened.press("Enter", 13, is_control=True)
    opened.wait_for(f"{RESULT}?.includes('__typename')")
    answer = json.loads(opened.evaluate("document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"))
    assert answer == {"data": {"__typename": "Query", "categories": []}}
    for button in ("Documentation", "History", "settings"):
        opened.evaluate(f"document.querySelector('[aria-label*=\"{button}\"]').click()")
    opened.wait_for("Boolean(document.querySelector('.graphiql-dialog'))")
    opened.screenshot(tmp_path / "graphiql.png")
    assert opened.evaluate("violations") == []
    assert opened.complaints() == []
    assert {url.startswith((f"{real_url}/", "data:")) for url in opened.requested()} == {True}


@needs_npm_assets
def test_the_examples_are_in_tabs_and_a_token_is_sent_with_every_query(opened: Page) -> None:
    assert opened.evaluate("document.querySelectorAll('.graphiql-tab').length") == len(examples())
    assert opened.evaluate("document.getElementById('signed-in').textContent") == "Anonymous"
    opened.evaluate("document.getElementById('token').focus()")
    opened.call("Input.insertText", text="not.a.token")
    opened.press("Enter", 13)
    opened.evaluate("document.getElementById('token').blur()")
    opened.wait_for("document.getElementById('signed-in').textContent === 'The token is not valid.'")
    assert opened.evaluate("sessionStorage.length") == 1
    assert opened.evaluate("JSON.stringify(localStorage).includes('not.a.token')") is False
    assert opened.evaluate("location.href").endswith("/graphql")
    opened.evaluate("document.querySelector('.graphiql-execute-button').click()")
    opened.wait_for(f"{RESULT}?.includes('UNAUTHENTICATED')")
    assert opened.evaluate("violations") == []


@needs_npm_assets
def test_only_listed_files_are_served_and_named_ones_for_long(real_url: str) -> None:
    with httpx2.Client(base_url=real_url) as client:
        html = client.get("/graphql", headers=HTML)
        assert "'unsafe" not in html.headers["content-security-policy"]
        for name, asset in GraphiQL().assets.items():
            address = f"/graphiql/{name}?v={asset.version}"
            assert address in html.text
            assert client.get(address).headers["cache-control"] == "public, max-age=31536000, immutable"
            assert client.get(f"/graphiql/{name}").headers["cache-control"] == "no-cache"
        assert client.get("/graphiql/graphiql.html").status_code == 404
        assert client.get("/").headers["location"] == "/graphql"


def test_without_npm_a_page_from_its_cdn_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    page = GraphiQL(tmp_path)
    assert HOW_TO_GET_IT_OFFLINE in page.html
    assert "shouldPersistHeaders: true" not in page.html
    assert "script-src https://unpkg.com 'sha256-" in page.policy
    assert [record.getMessage() for record in caplog.records] == [HOW_TO_GET_IT_OFFLINE]


@pytest.mark.parametrize("text", examples(), ids=lambda text: text.partition("query ")[2].partition(" ")[0])
def test_each_example_fits_the_schema_and_its_limits(text: str) -> None:
    Documents(schema._schema).prepare(text)  # noqa: SLF001 - as in app.py.
