"""Connections as they are shown: who is there, who blocks whom, and what is open for long."""

from feed_service.operations import figures
from feed_service.operations.asking import Unknown
from feed_service.operations.connections import Connections
from feed_service.operations.parts import Part, Table
from feed_service.operations.served import Served


def connections_part(found: Connections, served: Served | Unknown) -> Part:
    lines = [
        (
            f"{found.used:,} of {found.most:,} connections are in use ({found.reserved:,} are kept for superusers); "
            f"{found.of_this_database:,} of them are to this database, this report's included."
        )
    ]
    if found.hidden:
        lines.append(f"What {found.hidden:,} of them do is hidden from this role: GRANT pg_read_all_stats to see it.")
    oldest = found.open[0] if found.open else None
    lines.append(
        f"The oldest transaction is open for {figures.duration(oldest.open_s)}: {oldest.title}, {oldest.state}."
        if oldest
        else "No transaction is open that this role sees."
    )
    session_columns = ("session", "state", "#transaction open", "#in this state", "statement", "last text")
    return Part(
        "connections",
        "Connections",
        lines,
        [
            Table(
                "By state",
                ("state", "waits for", "#number", "#longest"),
                [
                    (
                        it.state,
                        f"{it.wait_type} {it.wait_event}".strip() or figures.NONE,
                        figures.number(it.number),
                        figures.duration(it.longest_s),
                    )
                    for it in found.states
                ],
                "No other connection.",
            ),
            Table(
                "Who blocks whom",
                ("waiting", "#for", "lock", "because of", "in the end because of", "what that one does"),
                [
                    (
                        _name(found, it.pid),
                        figures.duration(it.waited_s),
                        f"{it.mode} {it.relation or ''}".strip(),
                        ", ".join(_name(found, pid) for pid in it.by),
                        ", ".join(_name(found, pid) for pid in it.roots),
                        "; ".join(_doing(found, pid) for pid in it.roots),
                    )
                    for it in found.blocked
                ],
                "Nobody waits for anybody.",
            ),
            Table(
                "Open transactions, the oldest first",
                session_columns,
                [
                    (
                        it.title,
                        it.state,
                        figures.duration(it.open_s),
                        figures.duration(it.in_state_s),
                        it.statement or figures.NONE,
                        it.text,
                    )
                    for it in found.open[:10]
                ],
            ),
            Table(
                "Prepared transactions",
                ("name", "role", "#open"),
                [(it.name, it.role, figures.duration(it.open_s)) for it in found.prepared],
            ),
            *_pools(served),
        ],
    )


def _name(found: Connections, pid: int) -> str:
    session = found.session(pid)
    return session.title if session else "a prepared transaction" if pid == 0 else str(pid)


def _doing(found: Connections, pid: int) -> str:
    session = found.session(pid)
    return f"{session.state} for {figures.duration(session.in_state_s)}" if session else figures.NOT_KNOWN


def _pools(served: Served | Unknown) -> list[Table]:
    if isinstance(served, Unknown) or not served.rows:
        return []
    return [
        Table(
            "Pools of the service, over the window",
            ("pool", "#size", "#seen in use", "#greatest share", "#waits", "#waited"),
            [
                (
                    name,
                    figures.number(pool.size),
                    figures.number(pool.most),
                    figures.share(pool.used),
                    figures.number(pool.waits),
                    figures.duration(pool.waited_s),
                )
                for name, pool in sorted(served.pools.items())
            ],
        )
    ]
