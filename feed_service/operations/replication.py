"""Copies of the database: who follows, how far behind, and who keeps WAL from being removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feed_service.operations import figures
from feed_service.operations.asking import Questions
from feed_service.operations.parts import Part, Table

ROLE = """
    SELECT pg_is_in_recovery() AS is_replica,
        CASE WHEN pg_is_in_recovery() THEN CASE
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END END::float8 AS behind_s,
        archived_count AS archived, failed_count AS failed, last_archived_time AS archived_at,
        last_failed_time AS failed_at,
        (SELECT setting FROM pg_settings WHERE name = 'archive_mode') <> 'off' AS archives
    FROM pg_stat_archiver
"""
REPLICAS = """
    SELECT application_name AS name, coalesce(client_addr::text, 'local') AS address, state, sync_state,
        pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
            replay_lsn)::bigint AS behind_bytes,
        extract(epoch FROM replay_lag)::float8 AS behind_s
    FROM pg_stat_replication ORDER BY application_name, pid
"""
SLOTS = """
    SELECT slot_name AS name, slot_type AS kind, active AS is_active, coalesce(wal_status, 'not known') AS status,
        pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
            restart_lsn)::bigint AS held_bytes
    FROM pg_replication_slots ORDER BY held_bytes DESC NULLS LAST, slot_name
"""


@dataclass(frozen=True)
class Replica:
    """None where the role may not see it, or nothing was replayed yet."""

    name: str | None
    address: str | None
    state: str | None
    sync_state: str | None
    behind_bytes: int | None
    behind_s: float | None


@dataclass(frozen=True)
class Slot:
    name: str
    kind: str
    is_active: bool
    status: str
    held_bytes: int | None


@dataclass(frozen=True)
class Replication:
    """`behind_s`: of this server, if it is a replica itself."""

    is_replica: bool
    behind_s: float | None
    archives: bool
    archived: int
    failed: int
    archived_at: datetime | None
    failed_at: datetime | None
    replicas: Sequence[Replica]
    slots: Sequence[Slot]

    @property
    def is_archiving_broken(self) -> bool:
        """The last try failed."""
        return self.failed_at is not None and (self.archived_at is None or self.failed_at > self.archived_at)


async def replication(ask: Questions) -> Replication:
    return Replication(
        **await ask.row(ROLE),
        replicas=[Replica(**row) for row in await ask.rows(REPLICAS)],
        slots=[Slot(**row) for row in await ask.rows(SLOTS)],
    )


def replication_part(found: Replication) -> Part:
    role = f"a replica, {figures.duration(found.behind_s)} behind" if found.is_replica else "the primary"
    archive = (
        f"WAL is archived: {found.archived:,} files, {found.failed:,} failures, "
        f"the last success {figures.moment(found.archived_at)}."
    )
    lines = [f"This server is {role}.", archive if found.archives else "WAL is not archived."]
    return Part("replication", "Replication", lines, [_replicas(found), _slots(found)])


def _replicas(found: Replication) -> Table:
    columns = ("name", "address", "state", "sync", "#bytes behind", "#time behind")
    rows = [
        (
            it.name or figures.NONE,
            it.address or figures.NONE,
            it.state or figures.NOT_KNOWN,
            it.sync_state or figures.NOT_KNOWN,
            figures.size(it.behind_bytes),
            figures.duration(it.behind_s),
        )
        for it in found.replicas
    ]
    return Table("Replicas", columns, rows)


def _slots(found: Replication) -> Table:
    rows = [
        (it.name, it.kind, "yes" if it.is_active else "no", it.status, figures.size(it.held_bytes))
        for it in found.slots
    ]
    return Table("Slots", ("name", "kind", "is used", "WAL", "#held back"), rows)
