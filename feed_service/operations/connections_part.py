"""Connections as they are shown: who is there, who blocks whom, and what is open for long."""

from feed_service.operations import figures
from feed_service.operations.asking import Unknown
from feed_service.operations.connections import Connections
from feed_service.operations.parts import Part, Table
from feed_service.operations.served import Served

OLDEST = 10


def connections_part(found: Connections, served: Served | Unknown) -> Part:
    prepared = [(it.name, it.role, figures.duration(it.open_s)) for it in found.prepared]
    tables = [
        _states(found),
        _blocked(found),
        _open(found),
        Table("Prepared transactions", ("name", "role", "#open"), prepared),
    ]
    if not isinstance(served, Unknown) and served.rows:
        tables.append(_pools(served))
    return Part("connections", "Connections", _lines(found), tables)


def _lines(found: Connections) -> list[str]:
    whole = f"{found.used:,} of {found.most:,} connections are in use ({found.reserved:,} are kept for superusers); "
    lines = [f"{whole}{found.of_this_database:,} of them are to this database, this report's included."]
    if found.hidden:
        lines.append(f"What {found.hidden:,} of them do is hidden from this role: GRANT pg_read_all_stats to see it.")
    if found.open:
        oldest = found.open[0]
        age = figures.duration(oldest.open_s)
        return [*lines, f"The oldest transaction is open for {age}: {oldest.title}, {oldest.state}."]
    return [*lines, "No transaction is open that this role sees."]


def _states(found: Connections) -> Table:
    rows = [
        (
            it.state,
            f"{it.wait_type} {it.wait_event}".strip() or figures.NONE,
            figures.number(it.number),
            figures.duration(it.longest_s),
        )
        for it in found.states
    ]
    return Table("By state", ("state", "waits for", "#number", "#longest"), rows, "No other connection.")


def _blocked(found: Connections) -> Table:
    columns = ("waiting", "#for", "lock", "because of", "in the end because of", "what that one does")
    rows = [
        (
            found.name(it.pid),
            figures.duration(it.waited_s),
            f"{it.mode} {it.relation or ''}".strip(),
            ", ".join(map(found.name, it.by)),
            ", ".join(map(found.name, it.roots)),
            "; ".join(_doing(found, pid) for pid in it.roots),
        )
        for it in found.blocked
    ]
    return Table("Who blocks whom", columns, rows, "Nobody waits for anybody.")


def _doing(found: Connections, pid: int) -> str:
    session = found.session(pid)
    return f"{session.state} for {figures.duration(session.in_state_s)}" if session else figures.NOT_KNOWN


def _open(found: Connections) -> Table:
    columns = ("session", "state", "#transaction open", "#in this state", "statement", "last text")
    rows = [
        (
            it.title,
            it.state,
            figures.duration(it.open_s),
            figures.duration(it.in_state_s),
            it.statement or figures.NONE,
            it.text,
        )
        for it in found.open[:OLDEST]
    ]
    return Table("Open transactions, the oldest first", columns, rows)


def _pools(served: Served) -> Table:
    columns = ("pool", "#size", "#seen in use", "#greatest share", "#waits", "#waited")
    rows = [
        (
            name,
            figures.number(pool.size),
            figures.number(pool.most),
            figures.share(pool.used),
            figures.number(pool.waits),
            figures.duration(pool.waited_s),
        )
        for name, pool in sorted(served.pools.items())
    ]
    return Table("Pools of the service, over the window", columns, rows)
