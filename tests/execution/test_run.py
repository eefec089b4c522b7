"""Running operations: what the caller learns of each kind of fault, and what the log does."""

import asyncio
import logging
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from feed_service.database import ReadDatabase
from feed_service.errors import FeedError, InvalidCursor, Overloaded, Timeout, Unavailable
from feed_service.execution.documents import Documents
from feed_service.execution.faults import revealed
from feed_service.execution.refusals import MAX_ERRORS, VariablesRefused
from feed_service.execution.run import Answer, run
from tests.http.small import core
from tests.reads import all_busy

documents = Documents(core)


async def ask(text: str, time_limit_s: float = 5, **variables: Any) -> Answer:  # noqa: ANN401 - as JSON has them.
    operation = documents.prepare(text)
    return await run(core, operation, variables=variables, context=None, request_id="r1", time_limit_s=time_limit_s)


async def test_async_resolvers_interfaces_and_fragments_work() -> None:
    answer = await ask('{ node(id: "UGVyc29uOjc=") { __typename id ... on Person { friends { name } } } }')
    assert answer == Answer({"node": {"__typename": "Person", "id": "7", "friends": [{"name": "Bo"}]}}, [])


@pytest.mark.parametrize(
    ("field", "code"),
    [("missing", "NOT_FOUND"), ("busy", "OVERLOADED"), ("tooBig", "INTERNAL"), ("broken", "INTERNAL")],
)
async def test_the_error_of_a_field_has_a_code_and_a_place(field: str, code: str) -> None:
    (error,) = (await ask(f"{{ person {{ id {field} }} }}")).errors
    assert error["path"] == ["person", field]
    assert error["extensions"]["code"] == code
    assert ("requestId" in error["extensions"]) == (code == "INTERNAL")
    assert not any(secret in error["message"] for secret in ("SELECT", "QueuePool", "1099511627776"))


async def test_a_bad_id_is_the_callers_fault() -> None:
    (error,) = (await ask('{ node(id: "x") { id } }')).errors
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_many_faults_give_five_errors_and_as_many_log_entries(caplog: pytest.LogCaptureFixture) -> None:
    answer = await ask("{ people { a: broken } }")
    assert len(answer.errors) == 1  # The list is not null: its first broken item ends it.
    assert len([record for record in caplog.records if record.exc_info]) == 1
    nullable = await ask("{ people { tooBig } }")
    assert len(nullable.errors) == MAX_ERRORS


@pytest.mark.parametrize("variables", [{}, {"n": "x"}, {"n": None}, {"n": 2**40}, {"n": 1e300}, {"n": [1, [2]]}])
async def test_bad_variables_refuse_the_operation(variables: dict[str, Any]) -> None:
    with pytest.raises(VariablesRefused):
        await ask("query ($n: Int!) { person(first: $n) { id } }", **variables)


async def test_a_slow_operation_ends_in_time() -> None:
    with pytest.raises(Timeout):
        await ask("{ person { slow } }", time_limit_s=0.05)


async def test_a_cancellation_from_within_is_an_error_and_not_the_end() -> None:
    with pytest.raises(Unavailable):
        await ask("{ person { cancelled } }")


async def test_a_cancellation_from_outside_is_obeyed() -> None:
    task = asyncio.ensure_future(ask("{ person { slow } }"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def from_driver(error: type[asyncpg.PostgresError]) -> DBAPIError:
    return DBAPIError("SELECT", {}, error("a secret"))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (InvalidCursor("This cursor is of another list."), "INVALID_CURSOR"),
        (PoolTimeout("QueuePool limit"), "OVERLOADED"),
        (ConnectionRefusedError(111, "Connection refused"), "UNAVAILABLE"),
        (TimeoutError(), "UNAVAILABLE"),
        (asyncpg.CannotConnectNowError("starting up"), "UNAVAILABLE"),
        (asyncpg.TooManyConnectionsError("full"), "OVERLOADED"),
        (from_driver(asyncpg.QueryCanceledError), "TIMEOUT"),
        (from_driver(asyncpg.AdminShutdownError), "UNAVAILABLE"),
        (from_driver(asyncpg.ConnectionDoesNotExistError), "UNAVAILABLE"),
        (from_driver(asyncpg.DeadlockDetectedError), "UNAVAILABLE"),
        (from_driver(asyncpg.LockNotAvailableError), "OVERLOADED"),
        (from_driver(asyncpg.UndefinedTableError), "INTERNAL"),
        (ValueError("a secret"), "INTERNAL"),
    ],
)
def test_each_fault_has_a_code_and_only_unknown_ones_a_traceback(
    fault: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        shown = revealed(fault, "r1")
    assert isinstance(shown, FeedError)
    assert shown.code == code
    assert "secret" not in str(shown)
    assert [bool(record.exc_info) for record in caplog.records if record.exc_info] == [True] * (code == "INTERNAL")


async def test_real_faults_of_the_database_are_known(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feed_service.database.POOL_WAIT_S", 0.01)
    database = ReadDatabase.connect(database_url, pool_size=1)
    await database.rows(select(func.set_config("statement_timeout", "20", False)))
    with pytest.raises(asyncpg.QueryCanceledError) as cancelled:
        await database.rows(select(func.pg_sleep(5)))
    async with all_busy(database):
        with pytest.raises(Overloaded) as full:
            await database.rows(select(1))
    await database.close()
    nowhere = ReadDatabase.connect("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(OSError, match="127") as refused:
        await nowhere.rows(select(1))
    assert [revealed(error.value, "r1").code for error in (cancelled, full, refused)] == [
        "TIMEOUT", "OVERLOADED", "UNAVAILABLE",
    ]  # fmt: skip
