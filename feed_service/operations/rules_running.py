"""Advice about what is going on: connections, statements, hit ratios, replication."""

import re
from collections.abc import Iterator

from feed_service.operations import figures
from feed_service.operations.advice import Advice
from feed_service.operations.connections import STUCK_S, Connections, Session
from feed_service.operations.hits import Hits
from feed_service.operations.replication import Replication
from feed_service.operations.slow_statements import SlowStatement, SlowStatements

LONG_S = 300.0
"""An open transaction, whatever it does: VACUUM takes nothing away that is younger."""

BLOCKED_S, LONG_BLOCKED_S = 1.0, 10.0
CROWDED = 0.8
LOW_HITS, LEAST_BLOCKS = 0.95, 100_000
BEHIND_S, BEHIND_BYTES = 30.0, 64 * 2**20
HELD_BYTES = 2**30
SLOW_MS, LEAST_SHARE = 100.0, 0.01
QUERY = re.compile(r"SELECT|WITH|INSERT|UPDATE|DELETE|MERGE", re.IGNORECASE)
"""What is meant to be quick: not what builds an index or copies a table."""


def on_statements(found: SlowStatements) -> Iterator[Advice]:
    if found.obstacle:
        yield Advice(
            "notice" if found.until else "warning",
            "statements",
            "PostgreSQL's own times of statements are not all seen.",
            found.obstacle,
            found.remedy or "",
        )
    for each in found.statements:
        if each.mean_ms >= SLOW_MS and each.share >= LEAST_SHARE and QUERY.match(each.text):
            yield _slow(each)


def _slow(each: SlowStatement) -> Advice:
    calls = figures.several(each.calls, "call", "calls")
    of = f"operation {figures.listed(each.operations)}" if each.operations else "operation that runs it, or EXPLAIN it"
    return Advice(
        "warning",
        "statements",
        f"A statement is slow: {figures.listed(each.names) or each.text}",
        f"{calls} of {figures.milliseconds(each.mean_ms)} ms each, {figures.share(each.share)} of PostgreSQL's time; "
        f"{each.blocks_read:,} blocks from outside.",
        f"`feed-service explain` the {of}.",
    )


def on_connections(found: Connections) -> Iterator[Advice]:
    yield from _blocked(found)
    for session in found.open:
        if session.is_stuck:
            yield _stuck(session)
        elif (session.open_s or 0.0) >= LONG_S:
            yield Advice(
                "notice",
                "connections",
                f"A transaction is open for long: {session.title}.",
                f"{figures.duration(session.open_s)}, {session.state}: {session.statement or session.text}.",
                "While it is open, VACUUM takes no younger dead row away.",
            )
    for prepared in found.prepared:
        if prepared.open_s >= STUCK_S:
            yield Advice(
                "warning",
                "connections",
                f"A prepared transaction was forgotten: {prepared.name}.",
                f"Prepared {figures.duration(prepared.open_s)} ago by {prepared.role}.",
                "COMMIT PREPARED or ROLLBACK PREPARED it.",
            )
    if found.used_ratio >= CROWDED:
        yield Advice(
            "critical" if found.used_ratio >= 0.95 else "warning",
            "connections",
            "Connections are running out.",
            f"{found.used:,} of {found.most - found.reserved:,} are in use.",
            "Fewer workers or smaller pools, pgbouncer, or a larger max_connections.",
        )


def _blocked(found: Connections) -> Iterator[Advice]:
    for each in found.blocked:
        waited_s = each.waited_s or 0.0
        if waited_s < BLOCKED_S:
            continue
        ends = [f"SELECT pg_terminate_backend({pid});" if pid else "ROLLBACK PREPARED …;" for pid in each.roots]
        yield Advice(
            "critical" if waited_s >= LONG_BLOCKED_S else "warning",
            "connections",
            f"Session {each.pid} waits for a lock that {', '.join(map(found.name, each.roots))} has.",
            f"For {figures.duration(waited_s)}, on {each.relation or 'a row or a transaction'} ({each.mode}).",
            f"End it: {' '.join(ends)}",
        )


def _stuck(session: Session) -> Advice:
    return Advice(
        "warning",
        "connections",
        f"A transaction is stuck: {session.title} does nothing.",
        f"{session.state} for {figures.duration(session.in_state_s)}, open for {figures.duration(session.open_s)}, "
        f"after {session.statement or session.text or 'nothing that is seen'}",
        f"SELECT pg_terminate_backend({session.pid}); set idle_in_transaction_session_timeout for its role.",
    )


def on_hits(found: Hits) -> Iterator[Advice]:
    ratios = [ratio for ratio in (found.heap_ratio, found.index_ratio) if ratio is not None]
    if found.blocks >= LEAST_BLOCKS and ratios and min(ratios) < LOW_HITS:
        yield Advice(
            "notice",
            "hits",
            "Much is read from outside shared_buffers.",
            f"{figures.share(found.heap_ratio)} of table blocks and {figures.share(found.index_ratio)} of index blocks "
            f"were there ({figures.size(found.buffer_bytes)}), of {found.blocks:,} since the statistics began.",
            "A quarter of the memory for shared_buffers, if it is less; then the tables with most blocks from outside.",
        )


def on_replication(found: Replication) -> Iterator[Advice]:
    for replica in found.replicas:
        if (replica.behind_s or 0.0) >= BEHIND_S or (replica.behind_bytes or 0) >= BEHIND_BYTES:
            yield Advice(
                "warning",
                "replication",
                f"The replica {replica.name} is behind.",
                f"{figures.size(replica.behind_bytes)} and {figures.duration(replica.behind_s)}.",
                "Look at its load and at long statements there.",
            )
    for slot in found.slots:
        if slot.status in {"lost", "unreserved"} or (not slot.is_active and (slot.held_bytes or 0) >= HELD_BYTES):
            yield Advice(
                "critical",
                "replication",
                f"The slot {slot.name} holds WAL back that nobody reads.",
                f"{figures.size(slot.held_bytes)}, {slot.status}, {'in' if slot.is_active else 'not in'} use.",
                "Bring its reader back, or SELECT pg_drop_replication_slot(…) before the disk is full.",
            )
    if found.is_archiving_broken:
        yield Advice(
            "critical",
            "replication",
            "WAL is not archived: the last try failed.",
            f"{found.failed:,} failures, the last {figures.moment(found.failed_at)}; "
            f"the last success {figures.moment(found.archived_at)}.",
            "See archive_command and PostgreSQL's log.",
        )
    if found.is_replica and (found.behind_s or 0.0) >= BEHIND_S:
        yield Advice(
            "warning",
            "replication",
            "This server is behind its primary.",
            figures.duration(found.behind_s),
            "Look at the network and at long statements here.",
        )
