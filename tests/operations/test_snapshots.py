"""What was added between two snapshots of pg_stat_statements, and what is said where that cannot be told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feed_service.operations.redaction import redacted
from feed_service.operations.snapshots import Counted, Differences, Snapshot, differences

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON = START + timedelta(minutes=1)
LATER = START + timedelta(minutes=10)
OLD = START - timedelta(days=1)
TEN = Counted(10, 100.0, 30.0, 20, 1_000, 5, 2.0, None)
FIFTEEN = Counted(15, 180.0, 40.0, 30, 1_500, 6, 2.5, None)


def between(first: Snapshot | None, last: Counted, **more: object) -> Differences:
    return differences(first, replace(Snapshot(LATER, OLD, 0, {"1:10:true": last}), **more))  # type: ignore[arg-type]


FIRST = Snapshot(START, OLD, 0, {"1:10:true": TEN})


def test_figures_are_what_was_added() -> None:
    found = between(FIRST, FIFTEEN)
    assert found.rows == {"1:10:true": Counted(5, 80.0, 40.0, 10, 500, 1, 0.5, None)}
    assert (found.since, found.notes) == (START, ())


def test_what_did_not_run_is_left_out() -> None:
    assert between(FIRST, TEN).rows == {}


CASES = [
    ("no earlier snapshot", None, FIFTEEN, {}, OLD, "No earlier snapshot"),
    ("a reset of all", FIRST, FIFTEEN, {"reset": SOON}, SOON, "reset at"),
    ("a reset of one", FIRST, replace(FIFTEEN, calls=3), {}, START, "count from then on"),
    ("evicted, and there again", FIRST, replace(FIFTEEN, since=SOON), {}, START, "count from then on"),
    ("new since then", replace(FIRST, rows={}), FIFTEEN, {}, START, ""),
    ("too little before", replace(FIRST, rows={}, is_whole=False), FIFTEEN, {}, START, "may be too high"),
    ("evictions", FIRST, FIFTEEN, {"evictions": 3}, START, "dropped 3 times"),
]  # fmt: skip
"""(what happened, first snapshot, the statement later, the rest of the later one, since when, what is said of it)."""


@pytest.mark.parametrize(("_what", "first", "last", "more", "since", "note"), CASES, ids=[case[0] for case in CASES])
def test_what_is_between_is_said(
    _what: str, first: Snapshot | None, last: Counted, more: dict[str, object], since: datetime, note: str
) -> None:
    found = between(first, last, **more)
    calls = found.rows["1:10:true"].calls
    assert calls == (5 if note == "dropped 3 times" else last.calls)
    assert found.since == since
    assert note in " ".join(found.notes)
    assert bool(found.notes) == bool(note)
    assert found.at_most == ({"1:10:true"} if "too high" in note else frozenset())


def test_what_is_gone_is_said() -> None:
    found = differences(FIRST, Snapshot(LATER, OLD, 1, {}))
    assert found.rows == {}
    assert found.notes[1] == "1 statements of the first snapshot are gone: what they did since is not known."


HIDDEN = [
    ("ALTER ROLE ann PASSWORD 'it''s secret'", "ALTER ROLE ann PASSWORD ?"),
    ("ALTER ROLE ann PASSWORD E'it\\'s secret'", "ALTER ROLE ann PASSWORD ?"),
    ("DO $body$ secret $body$", "DO ?"),
    ("SELECT 'cut off in the mid", "SELECT ?"),
    ("SELECT $1, a1, 12.5e3, -7 FROM t_2 -- secret", "SELECT $1, a1, ?, -? FROM t_2"),
    ("SELECT a IN ($1 /*, ... */)  /* secret */", "SELECT a IN ($1 /*, ... */)"),
    ('SELECT "a \'b 7" FROM t', 'SELECT "a \'b 7" FROM t'),
]


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
def test_values_are_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_long_texts_are_cut() -> None:
    assert redacted("SELECT " + "a, " * 100, 20) == "SELECT a, a, a, a, …"
