"""What the operator does to accounts from the shell."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from feed_service.accounts.keys import keys_in, load_or_create
from feed_service.accounts.token_keys import new_token_key
from feed_service.accounts.tokens import Bearer, verify
from feed_service.cli import cli
from feed_service.errors import ConfigurationError, NotFound
from feed_service.transactions import Statement, WriteDatabase
from tests.scratch import execute

EVENTS = Statement("SELECT actor_id, action, subject_id, facts FROM audit_events ORDER BY number", (), {})
ROLES = Statement("SELECT role FROM users ORDER BY id", (), {})


@pytest.fixture
def shell(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("FEED_DATA_DIR", str(tmp_path))
    asyncio.run(execute(empty_database_url, "INSERT INTO users (username, display_name) VALUES ('Ann', 'Ann')"))
    return CliRunner()


def rows(url: str, statement: Statement) -> list[tuple[Any, ...]]:
    async def read() -> list[tuple[Any, ...]]:
        database = WriteDatabase.connect(url, pool_size=1)
        try:
            return [tuple(row) for row in await database.transact(lambda sql: sql.rows(statement))]
        finally:
            await database.close()

    return asyncio.run(read())


def test_a_role_is_given_and_audited(shell: CliRunner, empty_database_url: str) -> None:
    for given, said in (
        ("moderator", "ann: moderator (was user)\n"),
        ("moderator", "ann: moderator (was moderator)\n"),
    ):
        assert shell.invoke(cli, ["role", "ann", given]).output == said
    assert rows(empty_database_url, ROLES) == [("moderator",)]
    (event,) = rows(empty_database_url, EVENTS)
    assert event == (
        None, "user.set_role", 1, {"before": "user", "after": "moderator"}
    )  # fmt: skip
    assert isinstance(shell.invoke(cli, ["role", "nobody", "admin"]).exception, NotFound)
    wrong = shell.invoke(cli, ["role", "ann", "king"])
    assert (wrong.exit_code, "is not one of 'user', 'moderator', 'admin'" in wrong.output) == (2, True)
    assert rows(empty_database_url, ROLES) == [("moderator",)]


def test_keys_are_rotated_without_refusing_a_token(
    shell: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    before = shell.invoke(cli, ["token", "ann"]).output.strip()
    assert shell.invoke(cli, ["keys", "rotate"]).output == "A new key signs within 7 seconds. Old keys dropped: 0.\n"
    claims = json.loads(base64.urlsafe_b64decode(before.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 12 * 3_600
    folder = tmp_path / "keys"
    assert verify(load_or_create(folder), before, now + timedelta(hours=11)) == Bearer(1)
    old, new = (keys_in(folder, now + timedelta(seconds=later))[0].key_id for later in (0, 10))
    assert json.loads(base64.urlsafe_b64decode(before.split(".")[0] + "=="))["kid"] == old != new
    monkeypatch.setenv("FEED_TOKEN_KEY", new_token_key().decode())
    refused = shell.invoke(cli, ["keys", "rotate"]).exception
    assert isinstance(refused, ConfigurationError)
    assert "FEED_TOKEN_KEY" in str(refused)
