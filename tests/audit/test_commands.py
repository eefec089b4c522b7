"""`feed-service audit` as its operator uses it."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result

from feed_service.cli import cli
from feed_service.commands.transaction import Writer
from feed_service.transactions import WriteDatabase
from feed_service.viewer import Viewer
from tests.audit.test_trail import ANN, BOB, FACTS, did, hash_anew
from tests.world import world_on


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(cli, ["audit", *words], env={"DATABASE_URL": url})


async def write_trail(url: str) -> None:
    writing = WriteDatabase.connect(url, pool_size=1)
    await Writer(writing, Viewer(ANN), "r1").run(did, "a1", "a2", "a3", owner_id=BOB)
    await writing.close()


async def rewrite_trail(url: str) -> None:
    async with world_on(url) as world:
        await hash_anew(world)


def test_the_trail_is_verified_noted_and_shown(empty_database_url: str, tmp_path: Path) -> None:
    """Not a coroutine: every command runs a loop of its own."""
    asyncio.run(write_trail(empty_database_url))
    event = json.loads(run(empty_database_url, "show", "--actor", str(ANN), "--limit", "1").stdout)
    assert (event["action"], event["request_id"], event["facts"]) == ("a3", "r1", FACTS)
    assert event["private"] == {"reason": "because of a3"}
    assert run(empty_database_url, "show", "--subject", "post", "7").stdout.count("\n") == 3

    heads = tmp_path / "heads"
    heads.write_text(run(empty_database_url, "heads").stdout)
    whole = run(empty_database_url, "verify", "--heads", str(heads))
    assert (whole.exit_code, whole.stdout, whole.stderr) == (0, "", "3 events, 0 faults\n")

    asyncio.run(rewrite_trail(empty_database_url))
    broken = run(empty_database_url, "verify", "--heads", str(heads))
    assert (broken.exit_code, broken.stdout.splitlines(), broken.stderr) == (
        1,
        ["user:1, event 3: hashed anew: its stream ended with another hash",
         "user:1, event 3: not what was noted earlier"],
        "3 events, 2 faults\n",
    )  # fmt: skip
