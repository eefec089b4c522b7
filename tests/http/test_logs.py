"""Log lines are JSON, each says which request it is about, and no password, token or value of a statement is in any."""

import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx2
import orjson
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from feed_service.logs import configuration
from feed_service.reasons import reason, told

PASSWORD = "correct horse battery staple"
SECRET_WORDS = "what nobody else shall read"

SIGN_UP = """mutation Join($input: SignUpInput!) { signUp(input: $input) {
    session { accessToken refreshToken } userErrors { code } } }"""
LOG_IN = """mutation Enter($input: LogInInput!) { logIn(input: $input) {
    session { accessToken } userErrors { code } } }"""
WRITE = """mutation Write($input: CreatePostInput!) { createPost(input: $input) {
    post { id } userErrors { code } } }"""
SLOW = "query Slowly { feed(kind: LATEST, first: 1) { edges { node { title } } } }"


NUMBER = "SELECT $1::int"


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What is logged meanwhile, rendered as a process that serves does."""
    kept, root = Kept(), logging.getLogger()
    formatter: Any = configuration("json")["formatters"]["line"]
    kept.setFormatter(formatter.pop("()")(**formatter))
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept.lines
    root.setLevel(level)
    root.removeHandler(kept)


def test_no_line_of_a_session_has_a_secret_in_it(real_url: str, lines: list[str]) -> None:
    with httpx2.Client(base_url=real_url) as client:

        def ask(query: str, token: str = "", **given: str) -> Any:  # noqa: ANN401 - JSON.
            headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "asked-1"} if token else {}
            variables = {"input": given} if given else {}
            return client.post("/graphql", json={"query": query, "variables": variables}, headers=headers).json()

        joined = ask(SIGN_UP, username="logged", email="logged@example.org", password=PASSWORD)
        session = joined["data"]["signUp"]["session"]
        assert ask(LOG_IN, login="logged", password=PASSWORD + "!").get("data", {}) is not None
        ask(WRITE, session["accessToken"], title=SECRET_WORDS, body=SECRET_WORDS, idempotencyKey="\x00")
        ask(WRITE, session["accessToken"], title=SECRET_WORDS * 1_000, body=SECRET_WORDS)
        ask("{ nope }", session["accessToken"][:-3] + "abc")
        ask("{ viewer { email } nope }", session["accessToken"])
    logged = [orjson.loads(line) for line in lines if "feed_service" in line]
    assert any(line.get("request_id") == "asked-1" for line in logged), lines
    together = "\n".join(lines)
    for secret in (PASSWORD, SECRET_WORDS, session["accessToken"], session["refreshToken"], "logged@example.org"):
        assert secret not in together, together


async def test_what_postgresql_says_of_a_row_is_left_out(database_url: str, lines: list[str]) -> None:
    connection = await asyncpg.connect(make_url(database_url).set(drivername="postgresql").render_as_string(False))
    await connection.execute("CREATE TEMPORARY TABLE people (email text UNIQUE, age int)")
    for values in (("'secret@example.org', 1", "'secret@example.org', 2"), ("'x', 'secret words'",)):
        with pytest.raises(asyncpg.PostgresError) as raised:
            for value in values:
                await connection.execute(f"INSERT INTO people VALUES ({value})")  # noqa: S608 - constants of the test.
        logging.getLogger("feed_service.tests").error("It failed.", exc_info=raised.value)
    # Not a literal where it is raised: a traceback shows the line.
    joined = "secret words"
    with pytest.raises(asyncpg.DataError) as refused:
        await connection.fetch(NUMBER, joined)
    logging.getLogger("feed_service.tests").error("It failed.", exc_info=refused.value)
    await connection.close()
    assert len(lines) >= 3
    assert "secret" not in "\n".join(lines)
    assert orjson.loads(lines[0])["exception"].startswith("UniqueViolationError: duplicate key value violates")


def test_urls_and_tokens_are_masked_in_any_text() -> None:
    line = reason(OSError("postgresql://feed:p@ss-word@db/feed refused; Authorization: Bearer abc.def"))
    assert line == "OSError: postgresql://feed:***@db/feed refused; Authorization: ***"


def test_what_was_raised_side_by_side_or_inside_of_sqlalchemy_is_told_without_values() -> None:
    refused = DBAPIError("", None, asyncpg.InvalidTextRepresentationError('not a number: "secret words"'))
    lines = [line for line in told(ExceptionGroup("both", [refused, KeyError("missing")])).splitlines() if line]
    assert lines == ["ExceptionGroup: both (2 sub-exceptions)", "DBAPIError 22P02", "KeyError: 'missing'"]
