"""The embedded PostgreSQL: `with running(data_dir) as server:` serves `server.dsn` on a private socket."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGQUIT
from urllib.parse import quote

from feed_service.embedded import binaries, cluster, joining, process
from feed_service.embedded.account import Account, path_for, server_account
from feed_service.embedded.folders import runtime_folder, sockets

START_LIMIT_S = 60.0
"""Long enough for the recovery after a crash in the middle of an import."""

LEAST_CONNECTIONS = 100
RESERVED = 3
"""Connections that PostgreSQL keeps for superusers."""

NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class RunningPostgres:
    """`is_joined`: another process started it and will stop it."""

    sockets: Path
    pid: int
    major: int
    is_joined: bool

    @property
    def dsn(self) -> str:
        return self.dsn_of("feed")

    def dsn_of(self, database: str) -> str:
        """A SQLAlchemy URL of any database on this server."""
        folder = quote(str(self.sockets), safe="/")
        return f"postgresql+asyncpg://postgres@/{quote(database)}?host={folder}&port=5432"


@contextmanager
def running(
    data_dir: Path,
    *,
    durable: bool = True,
    bin_dir: Path | None = None,
    shared_buffers: str = "128MB",
    connections: int = 0,
) -> Iterator[RunningPostgres]:
    """The server of `data_dir`: started here and stopped with the block, or joined if another process runs it.

    Call it from the main thread, before an event loop or threads run. Where the owner ends, the server ends.
    `durable=False` gives up the safety of the data for speed: for tests. There is room for `connections`, if there are
    more of them than LEAST_CONNECTIONS.

    Raises:
        ServerBinariesMissing, ServerFailed, DataFolderUnusable, DataFolderVersion.
    """
    data_dir = data_dir.resolve()
    with joining.place(data_dir, START_LIMIT_S) as record, ExitStack() as stack:
        if record is not None:
            yield RunningPostgres(Path(record.sockets), record.pid, record.major, is_joined=True)
            return
        room = {"max_connections": str(max(LEAST_CONNECTIONS, connections + RESERVED))}
        settings = {"shared_buffers": shared_buffers, **room, **({} if durable else NOT_DURABLE)}
        yield stack.enter_context(_owned(data_dir, settings, bin_dir))


@contextmanager
def _owned(data_dir: Path, settings: dict[str, str], bin_dir: Path | None) -> Iterator[RunningPostgres]:
    folder = data_dir / "postgres"
    account = server_account(folder)
    with runtime_folder(account) as runtime:
        installation = _installation(data_dir, account, runtime, bin_dir)
        cluster.prepare(folder, installation, durable="fsync" not in settings)
        cluster.wait_for_predecessor(folder)
        settings |= _fixed_settings(installation, sockets(runtime))
        with _served(folder, installation, settings) as pid:
            record = joining.Record(pid, str(sockets(runtime)), installation.major)
            with joining.announced(data_dir, record):
                yield RunningPostgres(sockets(runtime), pid, installation.major, is_joined=False)


@contextmanager
def _served(folder: Path, installation: cluster.Installation, settings: dict[str, str]) -> Iterator[int]:
    def is_ready(pid: int) -> bool:
        lines = cluster.status_lines(folder)
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    with path_for(installation.account, folder) as (path, descriptors):
        program = process.Program(
            name="PostgreSQL",
            argv=[
                str(installation.bin_dir / "postgres"),
                *("-D", path),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            log=installation.log,
            account=installation.account,
            descriptors=descriptors,
            # Fast shutdown: open transactions are rolled back. Immediate, if that takes too long.
            stop_signals=(SIGINT, SIGQUIT),
        )
        with process.running(program, is_ready, START_LIMIT_S) as pid:
            yield pid


def _installation(data_dir: Path, account: Account | None, runtime: Path, bin_dir: Path | None) -> cluster.Installation:
    folder = binaries.postgres_folder(bin_dir)
    try:
        major = binaries.postgres_major(folder, account)
    except PermissionError:  # The virtual environment lies in a private home.
        folder = binaries.copy_postgres(folder, runtime / "programs")
        major = binaries.postgres_major(folder, account)
    return cluster.Installation(folder, major, account, data_dir / "postgres.log")


def _fixed_settings(installation: cluster.Installation, socket_folder: Path) -> dict[str, str]:
    library = "pg_stat_statements"
    has_library = any(
        (installation.bin_dir.parent / folder / f"{library}.so").exists() for folder in ("lib", "lib/postgresql")
    )
    return {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "jit": "off",
        "logging_collector": "off",
        "log_destination": "stderr",
        "shared_preload_libraries": library if has_library else "",
    }
