"""What users have stirred lately, as an export: one snapshot, flat memory, and a key to go on behind."""

from collections.abc import Sequence

from feed_service.errors import BadUserInput
from feed_service.exports.source import Source
from feed_service.queries import engagement as queries

MOST_NAMED = 1_000


def engagement(users: Sequence[str] | None = None) -> Source:
    """Of everybody, or of `users`, each a user name or an id. Raises BadUserInput for too many."""
    header = {"analysis": queries.KIND, "days": list(queries.DAYS)}
    if users is None:
        return Source("engagement", header, [queries.section()], True)
    if len(users) > MOST_NAMED:
        raise BadUserInput(f"Up to {MOST_NAMED:,} users can be named; leave them out to get all.")
    ids = [int(one) for one in users if one.isascii() and one.isdigit() and len(one) <= 18]
    # No other name exists; NUL, which an address can hold, would be a fault to PostgreSQL.
    names = [one.lower() for one in users if one.isascii() and one.isprintable()]
    return Source("engagement", header, [queries.section(names, ids)])
