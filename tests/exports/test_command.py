"""`feed-service export`: what an operator types."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from feed_service.cli import cli
from feed_service.errors import NotFound, OutputLost
from feed_service.exports.output import to_standard_output
from feed_service.settings import CHECKOUT
from tests.exports.reading import Export, key_of, read
from tests.scratch import execute
from tests.test_cli import COMMAND, environment
from tests.world import YESTERDAY, world_on

MORE_THAN_A_PIPE_HOLDS = "INSERT INTO external_ids SELECT 'made', 'row', n, n FROM generate_series(1, 20000) AS n"


async def add_people(url: str) -> None:
    async with world_on(url) as world:
        await world.user("ann", suspended_at=YESTERDAY)
        await world.user("ben")


def test_a_table_and_a_user_are_written_to_standard_output(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(add_people(empty_database_url))
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    def export(*words: str) -> Export:
        cli(["export", *words], standalone_mode=False)
        out, err = capfd.readouterr()
        found = read(out.encode())
        assert err == f"{len(found.rows)} rows\n"
        return found

    whole = export("users")
    assert whole.trailer
    assert [row["data"]["username"] for row in whole.rows] == ["ann", "ben"]
    assert export("users", "--after", key_of(whole.rows[0])).rows == whole.rows[1:]
    assert [row["type"] for row in export("--user", "ANN").rows] == ["profile"]
    asyncio.run(execute(empty_database_url, "UPDATE users SET deleted_at = now() WHERE username = 'ann'"))
    with pytest.raises(NotFound, match="There is no user named ann"):
        export("--user", "ann")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("words", [[], ["users", "--user", "ann"]])
def test_one_thing_is_exported(words: list[str]) -> None:
    refused = CliRunner().invoke(cli, ["export", *words])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "Name a table or a --user, not both." in refused.stderr


async def test_what_cannot_be_written_is_said_and_counts_as_failed(empty_database_url: str, tmp_path: Path) -> None:
    await execute(empty_database_url, MORE_THAN_A_PIPE_HOLDS)
    script = f"set -o pipefail; {' '.join(COMMAND)} export external_ids | head -n 1 > one"
    variables = environment(tmp_path, DATABASE_URL=empty_database_url, PYTHONPATH=str(CHECKOUT))
    process = await asyncio.create_subprocess_exec("bash", "-c", script, cwd=tmp_path, env=variables, stderr=PIPE)
    _, said = await asyncio.wait_for(process.communicate(), 60)
    sentence = "feed-service: The export is not whole; it could not be written: Broken pipe.\n"
    assert (process.returncode, said.decode()) == (1, sentence)


@contextmanager
def full_disk() -> Iterator[int]:
    number = os.open("/dev/full", os.O_WRONLY)
    yield number
    os.close(number)


@contextmanager
def pipe_without_reader() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@contextmanager
def nothing() -> Iterator[None]:
    yield None


@pytest.mark.parametrize(
    ("output", "reason"),
    [(full_disk, "No space left on device"), (pipe_without_reader, "Broken pipe"), (nothing, "no standard output")],
)
async def test_no_output_is_lost_unnoticed(
    monkeypatch: pytest.MonkeyPatch, output: Callable[[], AbstractContextManager[int | None]], reason: str
) -> None:
    with output() as number:
        monkeypatch.setattr("sys.stdout", None if number is None else SimpleNamespace(fileno=lambda: number))
        with pytest.raises(OutputLost, match=reason):
            await to_standard_output(b"{}\n")
        monkeypatch.undo()
