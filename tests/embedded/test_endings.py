"""However the owner ends, its server ends with it, and the next start finds the rows."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from signal import Signals

import pytest

from feed_service.embedded import postgres
from tests.embedded.programs import OWNER, fetch, is_running, said_by, started, survivors, tree_of

pytestmark = pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")

WATCHED = """
import subprocess, time
from feed_service.embedded import death
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
with death.watched(child.pid, 15):
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("ending", "code"),
    [(Signals.SIGTERM, 128 + 15), (Signals.SIGHUP, 128 + 1), (Signals.SIGINT, -2), (Signals.SIGKILL, -9)],
)
def test_no_server_outlives_its_owner(tmp_path: Path, ending: Signals, code: int) -> None:
    with started(OWNER, tmp_path, 60) as owner:
        pid, _, sockets = said_by(owner)
        fetch(Path(sockets), "CREATE TABLE kept AS SELECT 7 AS number")
        processes = tree_of(int(pid))
        assert len(processes) > 1 or sys.platform != "linux"
        owner.send_signal(ending)
        assert owner.wait() == code
    assert survivors(processes) == []
    with postgres.running(tmp_path, durable=False) as server:
        assert fetch(server.sockets, "SELECT number FROM kept") == [(7,)]
    assert not Path(sockets).parent.exists()  # After SIGKILL the next owner removes it.


def test_a_start_right_after_a_crash_waits_for_the_old_server(tmp_path: Path) -> None:
    with started(OWNER, tmp_path, 60) as owner:
        old_pid = int(said_by(owner)[0])
        owner.kill()
        owner.wait()
        with postgres.running(tmp_path, durable=False) as server:
            assert not server.is_joined
            assert not is_running(old_pid)
            assert fetch(server.sockets, "SELECT 1") == [(1,)]


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere PostgreSQL's own check decides.")
def test_a_stale_pid_that_now_is_another_process_does_not_stop_the_start(tmp_path: Path) -> None:
    with started(OWNER, tmp_path, 60) as owner:
        processes = tree_of(int(said_by(owner)[0]))
        os.kill(processes[0], signal.SIGKILL)
        owner.kill()
    assert survivors(processes) == []
    mark = tmp_path / "postgres" / "postmaster.pid"
    with process_of_the_same_user(mark) as stranger:
        mark.write_text(mark.read_text().replace(str(processes[0]), str(stranger.pid), 1))
        with postgres.running(tmp_path, durable=False) as server:
            assert fetch(server.sockets, "SELECT 1") == [(1,)]
        stranger.kill()


def test_where_the_kernel_does_not_tell_a_shell_watches() -> None:
    with started(WATCHED) as owner:
        server = int(said_by(owner)[0])
        owner.kill()
    assert survivors([server]) == []


def process_of_the_same_user(mark: Path) -> subprocess.Popen[bytes]:
    """PostgreSQL takes only processes of its own user for a server."""
    owner = mark.stat()
    if os.geteuid() != 0:
        return subprocess.Popen(["sleep", "60"])
    return subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid, extra_groups=[])
