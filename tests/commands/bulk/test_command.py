"""`feed-service bulk`: what an operator types, and what comes out where."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feed_service.cli import cli
from feed_service.errors import BadUserInput, NotFound, OutputLost
from feed_service.transactions import WriteDatabase
from tests.commands.bulk.sending import sent
from tests.exports.reading import read
from tests.world import world_on

Bulk = Callable[..., tuple[list[dict[str, Any]], str]]


@pytest.fixture
def bulk(empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Bulk:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    def run(*words: str) -> tuple[list[dict[str, Any]], str]:
        """(outcomes, what was said beside them)."""
        cli(["bulk", *words], standalone_mode=False)
        out, err = capfdbinary.readouterr()
        return [json.loads(line) for line in out.splitlines()], err.decode()

    return run


async def fill(url: str) -> None:
    async with world_on(url) as world:
        ann = await world.user("ann")
        await world.user("bob")
        await world.post(ann, slug="one")
        await world.count()


def test_a_file_goes_in_and_outcomes_come_out(bulk: Bulk, empty_database_url: str, tmp_path: Path) -> None:
    asyncio.run(fill(empty_database_url))
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"follower": "ann", "followee": "bob"}\n{"follower": "ann", "followee": "ann"}\n?')
    outcomes, said = bulk("follows", str(lines), "--dry-run")
    assert [row.get("reason", row["outcome"]) for row in outcomes] == ["followed", "SELF", "MALFORMED"]
    numbers = "3 of 3 lines: 1 followed, 2 refused (1 MALFORMED, 1 SELF)\n"
    assert said == f"bulk 1\nfollows, a dry run, done: {numbers}"
    kept = tmp_path / "outcomes"
    nothing, said = bulk("follows", str(lines), "--output", str(kept))
    assert (nothing, said) == ([], f"bulk 2\nfollows, done: {numbers}")
    assert [json.loads(line) for line in kept.read_bytes().splitlines()] == outcomes
    assert bulk("outcomes", "2")[0] == outcomes


def test_a_deletion_is_undone_by_its_number(bulk: Bulk, empty_database_url: str, tmp_path: Path) -> None:
    asyncio.run(fill(empty_database_url))
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"post": "one"}')
    assert [row["outcome"] for row in bulk("delete-posts", str(lines))[0]] == ["deleted"]
    assert bulk("undo", "1")[0] == [{"line": 1, "outcome": "restored", "id": 1}]
    assert bulk("undo", "1")[0] == [{"line": 1, "outcome": "changed_since", "id": 1}]
    with pytest.raises(BadUserInput, match="Only a bulk that deletes"):
        bulk("undo", "2")
    with pytest.raises(NotFound):
        bulk("cancel", "99")


def test_what_was_taken_in_is_done_by_whoever_asks_for_it(bulk: Bulk, empty_database_url: str) -> None:
    async def left_behind() -> None:
        writing = WriteDatabase.connect(empty_database_url)
        await sent(writing, "users", [{"username": "ann"}, {"username": "bob"}], chunk_lines=1)
        await writing.close()

    asyncio.run(left_behind())
    outcomes, said = bulk("outcomes", "1")
    assert [row["outcome"] for row in outcomes] == ["inserted", "inserted"]
    assert said == "bulk 1\nusers, done: 2 of 2 lines: 2 inserted\n"


def test_outcomes_that_cannot_be_written_are_not_lost(bulk: Bulk, empty_database_url: str, tmp_path: Path) -> None:
    asyncio.run(fill(empty_database_url))
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"follower": "ann", "followee": "bob"}')
    with pytest.raises(OutputLost, match="`bulk outcomes 1` prints them"):
        bulk("follows", str(lines), "--output", "/dev/full")
    assert [row["outcome"] for row in bulk("outcomes", "1")[0]] == ["followed"]


def test_what_users_have_stirred_goes_to_standard_output(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    asyncio.run(fill(empty_database_url))
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    cli(["bulk", "engagement", "ANN", "17"], standalone_mode=False)
    [ann] = read(capfdbinary.readouterr().out).data
    assert (ann["username"], ann["posts7"], ann["reactionsPerPost7"]) == ("ann", 1, 0)
