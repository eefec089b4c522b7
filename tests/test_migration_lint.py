"""What a migration must not do to a database in use is found by squawk, and no migration does it."""

import pytest

from feed_service.migrations import statements_of
from tests.migration_lint import faults_of, to_check

BEGINNING = "SET lock_timeout = '2s';\nBEGIN;\nUPDATE alembic_version SET version_num='0010';\n"


def test_no_migration_locks_what_is_in_use() -> None:
    faults = [faults_of(statements_of(revision), revision) for revision in to_check()]
    assert not any(faults), "".join(faults)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("CREATE INDEX ix ON posts (author_id);", "require-concurrent-index-creation"),
        ("DROP INDEX ix;", "require-concurrent-index-deletion"),
        ("ALTER TABLE posts ADD COLUMN mood text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE posts ADD COLUMN at timestamptz DEFAULT clock_timestamp();", "adding-field-with-default"),
        ("ALTER TABLE posts ALTER COLUMN title SET NOT NULL;", "adding-not-nullable-field"),
        ("ALTER TABLE posts ALTER COLUMN id TYPE numeric;", "changing-column-type"),
        ("ALTER TABLE posts ADD CONSTRAINT c CHECK (id > 0);", "constraint-missing-not-valid"),
        ("ALTER TABLE posts ADD CONSTRAINT u UNIQUE (slug);", "disallowed-unique-constraint"),
        ("DROP TABLE posts;", "ban-drop-table"),
        ("ALTER TABLE posts RENAME COLUMN title TO name;", "renaming-column"),
        ("CREATE TABLE t (n integer);", "prefer-bigint-over-int"),
    ],
)
def test_a_planted_fault_is_found(statement: str, rule: str) -> None:
    assert rule in faults_of(f"{BEGINNING}{statement}\nCOMMIT;\n", "planted")


def test_waiting_for_a_lock_without_end_is_found() -> None:
    statement = "ALTER TABLE posts ADD COLUMN mood text;"
    assert "lock_timeout" in faults_of(f"BEGIN;\n{statement}\nCOMMIT;\n", "planted")
    assert not faults_of(f"{BEGINNING}{statement}\nCOMMIT;\n", "planted")


def test_the_ways_that_lock_nothing_are_not_faults() -> None:
    allowed = """CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz);
        CREATE INDEX ix_t ON t (at);
        ALTER TABLE posts ADD CONSTRAINT c CHECK (id > 0) NOT VALID;
        ALTER TABLE posts ADD COLUMN mood text;
        COMMIT;
        SET lock_timeout = 0;
        DROP INDEX CONCURRENTLY IF EXISTS ix;
        CREATE INDEX CONCURRENTLY ix ON posts (author_id);
        SET lock_timeout = '2s';
        BEGIN;
        ALTER TABLE posts VALIDATE CONSTRAINT c;
        -- squawk-ignore ban-drop-table
        DROP TABLE old_posts;
        COMMIT;"""
    assert faults_of(BEGINNING + allowed, "allowed") == ""
