"""Who is connected, what they wait for, and who keeps whom from working."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feed_service.fingerprints import fingerprint
from feed_service.operations.asking import Questions, Unknown
from feed_service.operations.redaction import redacted
from feed_service.operations.served import Served

STUCK_S = 60.0
"""An open transaction that does nothing for so long has been forgotten."""

WHOLE = """
    SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS used,
        count(*) FILTER (WHERE backend_type = 'client backend' AND datname = current_database()) AS of_this_database,
        count(*) FILTER (WHERE backend_type = 'client backend' AND datname = current_database() AND state IS NULL)
            AS hidden,
        (SELECT setting::int FROM pg_settings WHERE name = 'max_connections') AS most,
        (SELECT sum(setting::int) FROM pg_settings
            WHERE name IN ('superuser_reserved_connections', 'reserved_connections'))::int AS reserved
    FROM pg_stat_activity
"""
STATES = """
    SELECT coalesce(state, 'hidden from this role') AS state, coalesce(wait_event_type, '') AS wait_type,
        coalesce(wait_event, '') AS wait_event, count(*) AS number,
        max(extract(epoch FROM now() - state_change))::float8 AS longest_s
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    GROUP BY 1, 2, 3 ORDER BY number DESC, 1, 2, 3
"""
# Only of those who wait, and known to every role: pg_blocking_pids stops the lock table for a moment.
BLOCKED = """
    SELECT waiting.pid, pg_blocking_pids(waiting.pid) AS by,
        extract(epoch FROM clock_timestamp() - min(waiting.waitstart))::float8 AS waited_s,
        min(waiting.mode) AS mode, min(waiting.relation::regclass::text) AS relation
    FROM pg_locks AS waiting
    JOIN pg_stat_activity AS activity ON activity.pid = waiting.pid AND activity.datname = current_database()
    WHERE NOT waiting.granted GROUP BY waiting.pid ORDER BY waited_s DESC NULLS LAST
"""
SESSIONS = """
    SELECT pid, coalesce(usename, '') AS role, coalesce(application_name, '') AS application,
        coalesce(datname, '') AS database, coalesce(state, 'hidden from this role') AS state, xact_start AS began_at,
        extract(epoch FROM clock_timestamp() - xact_start)::float8 AS open_s,
        extract(epoch FROM clock_timestamp() - state_change)::float8 AS in_state_s, coalesce(query, '') AS query
    FROM pg_stat_activity
    WHERE (pid = ANY ($1) OR datname = current_database() AND xact_start IS NOT NULL)
      AND pid <> pg_backend_pid() AND (backend_type = 'client backend' OR pid = ANY ($1))
    ORDER BY xact_start NULLS LAST LIMIT 200
"""
PREPARED = """
    SELECT gid AS name, owner AS role, extract(epoch FROM now() - prepared)::float8 AS open_s
    FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared
"""


@dataclass(frozen=True)
class State:
    """`longest_s` is the time in this state of the one that is in it longest."""

    state: str
    wait_type: str
    wait_event: str
    number: int
    longest_s: float | None


@dataclass(frozen=True)
class Session:
    """`text`: its last statement, redacted; `statement`: the service's name of it. Times are None where hidden."""

    pid: int
    role: str
    application: str
    database: str
    state: str
    began_at: datetime | None
    open_s: float | None
    in_state_s: float | None
    text: str
    statement: str | None

    @property
    def is_stuck(self) -> bool:
        return self.state.startswith("idle in transaction") and (self.in_state_s or 0) >= STUCK_S

    @property
    def title(self) -> str:
        return f"{self.pid} ({' '.join(word for word in (self.role, self.application) if word) or 'unknown'})"


@dataclass(frozen=True)
class Blocked:
    """`by`: who must end first; `roots`: who of them, or of those before them, waits for nobody."""

    pid: int
    by: Sequence[int]
    roots: Sequence[int]
    waited_s: float | None
    mode: str
    relation: str | None


@dataclass(frozen=True)
class Prepared:
    name: str
    role: str
    open_s: float


@dataclass(frozen=True)
class Connections:
    """`used` of `most - reserved` are in use by all databases. `open`: sessions in a transaction, the oldest first."""

    used: int
    of_this_database: int
    hidden: int
    most: int
    reserved: int
    states: Sequence[State]
    open: Sequence[Session]
    blocked: Sequence[Blocked]
    sessions: Sequence[Session]
    prepared: Sequence[Prepared]

    @property
    def used_ratio(self) -> float:
        return self.used / (self.most - self.reserved)

    def session(self, pid: int) -> Session | None:
        return next((session for session in self.sessions if session.pid == pid), None)

    def name(self, pid: int) -> str:
        """Of whoever is named by `pg_blocking_pids`."""
        session = self.session(pid)
        return session.title if session else str(pid) if pid else "a prepared transaction"


async def connections(ask: Questions, served: Served | Unknown) -> Connections:
    whole = await ask.row(WHOLE)
    blocked = await ask.rows(BLOCKED)
    blocking = {row["pid"]: row["by"] for row in blocked}
    concerned = sorted({*blocking, *(pid for by in blocking.values() for pid in by)})
    names = {} if isinstance(served, Unknown) else {key: min(it[0]) for key, it in served.by_fingerprint().items()}
    sessions = [_session(row, names) for row in await ask.rows(SESSIONS, concerned)]
    return Connections(
        **whole,
        states=[State(**row) for row in await ask.rows(STATES)],
        open=[session for session in sessions if session.began_at],
        blocked=[Blocked(roots=roots(row["pid"], blocking), **row) for row in blocked],
        sessions=sessions,
        prepared=[Prepared(**row) for row in await ask.rows(PREPARED)],
    )


def roots(pid: int, blocking: dict[int, list[int]]) -> list[int]:
    """Who, in the end, keeps `pid` from working: they wait for nobody. 0 is a prepared transaction."""
    found, seen, next_ones = set(), {pid}, list(blocking.get(pid, ()))
    while next_ones:
        each = next_ones.pop()
        if each in seen and each:
            continue
        seen.add(each)
        if blocking.get(each):
            next_ones += blocking[each]
        else:
            found.add(each)
    return sorted(found)


def _session(row: dict[str, object], names: dict[str, str]) -> Session:
    query = str(row.pop("query"))
    return Session(**row, text=redacted(query), statement=names.get(fingerprint(query)))  # type: ignore[arg-type]
