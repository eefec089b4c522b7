"""A statement has one name, as the service sends it and as pg_stat_statements of any version shows it."""

import pytest

from feed_service.fingerprints import fingerprint

SAME = [
    ("SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN ($1 /*, ... */)"),
    ("SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN ($1, $2, $3)"),
    ("SELECT a = ANY (ARRAY[(1)::BIGINT, (-2)::BIGINT])", "SELECT a = ANY (ARRAY[$1 /*, ... */])"),
    ("SELECT a = ANY (ARRAY[(1)::BIGINT, (-2)::BIGINT])", "SELECT a = ANY (ARRAY[($1)::BIGINT, ($2)::BIGINT])"),
    ("SELECT EXTRACT(epoch FROM a), 1.5e3", "SELECT EXTRACT($1 FROM a), $2"),
    ("SELECT a LIMIT ALL OFFSET $1::BIGINT", "SELECT a LIMIT $2 OFFSET $1::BIGINT"),
    ("SELECT a IS NULL, CASE WHEN true THEN NULL END", "SELECT a IS NULL, CASE WHEN $1 THEN $2 END"),
    ("SELECT a || 'it''s -- (no) /* comment */ $$' -- end", "SELECT a || $1"),
    (
        "SELECT a @@ websearch_to_tsquery('english', (__[POSTCOMPILE_words]))",
        "SELECT a @@ websearch_to_tsquery($1, $2)",
    ),
    ("SELECT a - 1, -1, $1::TIMESTAMP WITH TIME ZONE;", "SELECT a - $2, $3, $1::TIMESTAMP WITH TIME ZONE"),
]
"""(as sent, as shown), read off PostgreSQL 15 and 18 on 2026-11-21."""

OTHER = ["SELECT a FROM t", "SELECT b FROM t", "SELECT a1 FROM t", "SELECT a FROM t WHERE NOT a"]


@pytest.mark.parametrize(("sent", "shown"), SAME)
def test_values_casts_and_lists_are_no_part_of_it(sent: str, shown: str) -> None:
    assert fingerprint(sent) == fingerprint(shown)


def test_other_statements_have_other_names() -> None:
    assert len({fingerprint(text) for text in OTHER}) == len(OTHER)
