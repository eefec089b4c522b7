"""Any table, for admins; and which of its columns are nobody's business."""

from sqlalchemy import JSON, Column, LargeBinary

from feed_service import models
from feed_service.errors import NotFound
from feed_service.exports.source import Source
from feed_service.queries.exports import Section

SUSPICIOUS = frozenset({
    "answer", "auth", "bearer", "cipher", "code", "cookie", "credential", "credentials", "digest", "hash", "key", "mac",
    "nonce", "otp", "passphrase", "password", "pepper", "phrase", "pin", "private", "recovery", "salt", "secret",
    "seed", "signature", "token",
})  # fmt: skip
"""A column with such a word in its name, of bytes or of JSON stays hidden until it is judged: see `OPEN`."""

GUARDED = frozenset(
    {"accounts", "attempt_counts", "external_identities", "mailed_tokens", "refresh_tokens", "sessions"}
)
"""Of how users prove who they are: here every column is judged."""

SECRET = frozenset(
    {
        "accounts.password_hash",
        "attempt_counts.hash",
        "audit_keys.key",
        "bulk_chunks.lines",  # what an admin has sent, and has forgotten a week later
        "bulk_chunks.outcomes",
        "bulk_effects.state",
        "bulks.request_hash",
        "idempotency_keys.request_hash",
        "mailed_tokens.hash",
        "observations.data",  # texts of statements that were not ours may hold what was written in them
        "refresh_tokens.hash",
        "refresh_tokens.nonce",
    }
)

OPEN = frozenset(
    {
        "accounts.user_id",
        "accounts.email",
        "accounts.email_key",
        "accounts.email_confirmed_at",
        "accounts.password_changed_at",
        "attempt_counts.since",
        "attempt_counts.n",
        "audit_events.facts",
        "audit_events.hash",  # proves the chain, and is made public for that
        "audit_events.private",  # encrypted; unreadable as soon as its key is deleted
        "audit_streams.forgotten_hash",
        "audit_streams.last_hash",
        "bulks.counts",
        "bulks.idempotency_key",
        "comments.path",
        "external_identities.issuer",
        "external_identities.subject",
        "external_identities.user_id",
        "external_identities.created_at",
        "idempotency_keys.key",  # chosen by the client, good for one viewer
        "idempotency_keys.made",  # ids
        "jobs.task",
        "jobs.progress",
        "mailed_tokens.purpose",
        "mailed_tokens.user_id",
        "mailed_tokens.email_key",
        "mailed_tokens.expires_at",
        "post_rank.hot_key",
        "refresh_tokens.session_id",
        "refresh_tokens.used_at",
        "sessions.id",
        "sessions.user_id",
        "sessions.created_at",
        "sessions.refreshed_at",
        "sessions.expires_at",
    }
)


def table(name: str) -> Source:
    """Raises NotFound when there is no table of this name, or when it is one of secrets: even its key is one."""
    found = models.Base.metadata.tables.get(name)
    if found is None or any(map(is_hidden, found.primary_key)):
        raise NotFound("There is no table of this name to export.")
    columns = [column for column in found.columns if not is_hidden(column)]
    section = Section(name, found, tuple(found.primary_key), columns)
    return Source(name, {"table": name, "columns": [column.name for column in columns]}, [section], True)


def is_hidden(column: Column[object]) -> bool:
    return str(column) in SECRET or (is_suspicious(column) and str(column) not in OPEN)


def is_suspicious(column: Column[object]) -> bool:
    is_told_by_name = bool(SUSPICIOUS & set(column.name.split("_"))) or column.table.name in GUARDED
    return is_told_by_name or isinstance(column.type, LargeBinary | JSON)
