"""The slow log: bounded lines, with the plan of a statement and without its values."""

import asyncio
import logging

import pytest

from feed_service.database import ReadDatabase
from feed_service.operations.explaining import PlanFinder
from feed_service.operations.quota import Quota
from feed_service.operations.slow_lines import SlowStatement, tell_left_out
from feed_service.operations.slow_log import RECENT, WAITING, SlowLog

SECRET = "nobody-may-read-this"
SLEEP = f"SELECT pg_sleep($2) FROM pg_namespace WHERE nspname <> $1 LIMIT 1 -- {SECRET}"  # noqa: S608 - words of a search stand in a text like this.


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if getattr(record, "event", None) == event]


async def until_written(caplog: pytest.LogCaptureFixture, number: int) -> None:
    async with asyncio.timeout(30):
        while len(lines(caplog, "slow_statement")) < number:  # noqa: ASYNC110 - a log tells nobody that it has grown.
            await asyncio.sleep(0.01)


async def no_plan(_text: str) -> str:
    raise RuntimeError(SECRET)


async def test_a_slow_statement_is_told_once_with_its_plan_and_without_values(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    finder = PlanFinder(database_url)
    slow = SlowLog(finder.fingerprint_of, statement_s=0.02)
    database = ReadDatabase.connect(database_url, pool_size=1)
    clock = asyncio.get_running_loop().time
    begun = clock()
    await database.by_driver(lambda driver: driver.fetch(SLEEP, SECRET, 0.02))
    await database.close()
    slow.statement("tests.sleep", SLEEP, 0.001)
    slow.statement("tests.sleep", SLEEP, clock() - begun, rows=1, operation="Feed", request_id="r1", path="feed")
    await until_written(caplog, 1)
    await slow.close()
    (line,) = lines(caplog, "slow_statement")
    shown = vars(line)
    assert {name: shown[name] for name in ("statement", "operation", "request_id", "path", "rows", "failed")} == {
        "statement": "tests.sleep", "operation": "Feed", "request_id": "r1", "path": "feed", "rows": 1, "failed": False,
    }  # fmt: skip
    assert shown["plan"] == await finder.fingerprint_of(SLEEP)
    assert shown["duration_ms"] >= 20
    assert all(SECRET not in str(vars(record)) for record in caplog.records)
    (kept,) = slow.recent()
    assert isinstance(kept, SlowStatement)
    assert kept.plan == shown["plan"]
    assert kept.at.isoformat() == shown["at"], "when it was slow, not when its plan was found"


async def test_a_flood_writes_few_lines_and_tells_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    slow = SlowLog(no_plan, quota=Quota(6, 3, tell=told.append))
    for number in range(1_000):
        slow.operation("Flood", 2.0 + number)
    for number in range(10):
        slow.statement(f"queries.{number}", "SELECT 1", 2.0)
    assert len(lines(caplog, "slow_operation")) == 3, "one flood leaves room for others"
    assert len(slow.recent()) == RECENT
    assert slow.recent()[0].name == "queries.9"
    await slow.close()
    assert len(lines(caplog, "slow_statement")) == 3
    assert told == [1_004]
    assert slow.left_out == 1_004


async def test_what_was_left_out_is_told_when_the_minute_is_over(caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowLog(no_plan, quota=Quota(1, 1, tell=tell_left_out, window_s=0.02))
    slow.operation("Feed", 1.0)
    slow.operation("Feed", 1.0)
    while not lines(caplog, "slow_left_out"):  # noqa: ASYNC110 - as above.
        await asyncio.sleep(0.01)
    slow.operation("Feed", 1.0)
    assert len(lines(caplog, "slow_operation")) == 2, "a minute later there is room again"
    await slow.close()


async def test_statements_whose_plan_cannot_be_found_are_told_without(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    slow = SlowLog(no_plan, quota=Quota(1_000, 1_000, tell=tell_left_out))
    slow.statement("queries.a", "SELECT 1", 1.0)
    slow.statement("queries.a", "SELECT 2", 1.0)
    await until_written(caplog, 2)
    for number in range(WAITING + 5):
        slow.statement("queries.b", f"SELECT b{number}", 1.0)
    assert len(lines(caplog, "slow_statement")) == 2 + 5, "no more than so many wait"
    await slow.close()
    assert len(lines(caplog, "slow_statement")) == 2 + WAITING + 5
    assert {vars(line)["plan"] for line in lines(caplog, "slow_statement")} == {None}
    assert SECRET not in caplog.text


async def test_nothing_is_told_when_it_is_off() -> None:
    slow = SlowLog(no_plan, statement_s=0, operation_s=0)
    slow.statement("queries.a", "SELECT 1", 1e9)
    slow.operation("Feed", 1e9)
    assert slow.recent() == []
